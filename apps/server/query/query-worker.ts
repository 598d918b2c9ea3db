// A query worker: reads the head in shared memory and the blocks on disk, evaluates, and writes the answer's bytes.
// One request at a time; it may block this thread as long as it likes.
import { parentPort, workerData } from "node:worker_threads";
import { type Engine, QueryError } from "@narthex/promql";
import { DbReader, limitReadCache } from "@narthex/tsdb";
import { ByteSink } from "../api/json/byte-sink.ts";
import { withFetched } from "../remote/fetch/fetched-queryable.ts";
import { type EngineSettings, engineFrom } from "./engine-settings.ts";
import { runRequest } from "./run-request.ts";
import { ControlWord, type RunMessage, type WorkerReply, type WorkerSetup } from "./worker-protocol.ts";

/** How far the answer may run ahead of the client before the worker waits. */
const MAX_UNSENT_BYTES = 16 * 1024 * 1024;
/** How often a waiting worker looks whether its request was cancelled. */
const WAIT_MS = 100;

const setup = workerData as WorkerSetup;
limitReadCache(setup.cacheBytes);
const reader = new DbReader(setup.share);
const control = new Int32Array(setup.control);
let engine: { settings: string; engine: Engine } | undefined;

function engineFor(settings: EngineSettings): Engine {
  const key = JSON.stringify(settings);
  if (engine?.settings !== key) engine = { settings: key, engine: engineFrom(settings) };
  return engine.engine;
}

function reply(message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, transfer);
}

parentPort?.on("message", ({ id, request, ticket, queueSeconds, settings, fetched }: RunMessage) => {
  const cancelled = (): boolean => Atomics.load(control, ControlWord.cancelled) === id;
  let held: Uint8Array<ArrayBuffer> | undefined;
  const sink = new ByteSink((next) => {
    const bytes = held;
    held = next;
    if (bytes === undefined) return;
    const { byteLength } = bytes;
    reply({ kind: "bytes", id, bytes }, [bytes.buffer]);
    let unsent = Atomics.add(control, ControlWord.unsentBytes, byteLength) + byteLength;
    while (unsent > MAX_UNSENT_BYTES) {
      if (cancelled()) throw new QueryError("canceled", "query was canceled in expression evaluation");
      Atomics.wait(control, ControlWord.unsentBytes, unsent, WAIT_MS);
      unsent = Atomics.load(control, ControlWord.unsentBytes);
    }
  });
  try {
    const local = reader.queryable(ticket);
    const queryable = fetched === undefined ? local : withFetched(local, fetched);
    const context = { engine: engineFor(settings), queryable, queueSeconds, cancelled };
    const statistics = runRequest(request, context, sink, (elements) => reply({ kind: "elements", id, elements }));
    reply({ kind: "done", id, statistics, bytes: held }, held === undefined ? [] : [held.buffer]);
  } catch (error) {
    const code = error instanceof QueryError ? error.code : "internal";
    reply({ kind: "failed", id, code, message: (error as Error).message });
  }
});
