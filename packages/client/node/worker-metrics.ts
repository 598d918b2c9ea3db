// Metrics of cluster workers, child processes and worker threads, gathered by the process that started them.

import type { ChildProcess } from "node:child_process";
import cluster, { type Worker as ClusterWorker } from "node:cluster";
import { BroadcastChannel, isMainThread, type Worker as ThreadWorker, threadId } from "node:worker_threads";
import { Aggregation } from "../aggregate/aggregation.ts";
import { type FamilySnapshot, takeSnapshot } from "../aggregate/snapshot.ts";
import type { ExpositionFormat } from "../format/negotiation.ts";
import { type Exposable, type ExposeOptions, Registry, register } from "../registry.ts";

const REQUEST = "narthex:metrics-request";
const ANSWER = "narthex:metrics";

interface RequestMessage {
  readonly type: typeof REQUEST;
  readonly id: number;
}

interface AnswerMessage {
  readonly type: typeof ANSWER;
  readonly id: number;
  readonly source: string;
  readonly families?: readonly FamilySnapshot[];
  /** The families where messages are JSON, which has no NaN and no infinities. */
  readonly text?: string;
  readonly error?: string;
}

/** Stands before numbers that JSON does not have. */
const NUMBER_MARK = "\u0000number ";

function toText(families: readonly FamilySnapshot[]): string {
  return JSON.stringify(families, (_, value: unknown) =>
    typeof value === "number" && !Number.isFinite(value) ? NUMBER_MARK + value : value,
  );
}

function fromText(text: string): readonly FamilySnapshot[] {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(NUMBER_MARK) ? Number(value.slice(NUMBER_MARK.length)) : value,
  );
}

/**
 * In a worker: answers requests of `WorkerMetrics` with what the registry holds; in a process over the channel to its parent, in a thread
 * over a channel of its own, which does not keep the thread alive. Returns a function that ends it.
 */
export function answerMetricsRequests(options: { readonly registry?: Registry } = {}): () => void {
  const registry = options.registry ?? register;
  const answer = async (message: unknown, source: string, send: (message: AnswerMessage) => void): Promise<void> => {
    if (!isMessage<RequestMessage>(message, REQUEST)) return;
    const { id } = message;
    try {
      const families = await takeSnapshot(registry);
      send({ type: ANSWER, id, source, ...(isMainThread ? { text: toText(families) } : { families }) });
    } catch (error) {
      send({ type: ANSWER, id, source, error: error instanceof Error ? error.message : String(error) });
    }
  };
  if (!isMainThread) {
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = (event) => {
      void answer((event as { data: unknown }).data, threadSource(threadId), (message) => channel.postMessage(message));
    };
    channel.unref();
    return () => channel.close();
  }
  const listen = (message: unknown): void => {
    void answer(message, String(process.pid), (answered) => {
      if (process.connected) process.send?.(answered);
    });
  };
  process.on("message", listen);
  return () => process.off("message", listen);
}

/** What the threads of this process and the one that asks them talk over. */
const CHANNEL = "narthex:metrics";

function threadSource(id: number): string {
  return `${process.pid}-${id}`;
}

/** A worker that metrics are asked of. */
type AnyWorker = ClusterWorker | ChildProcess | ThreadWorker;

/** How workers are asked. */
export interface WorkerMetricsOptions {
  /** Metrics of the asking process itself, shown beside those of the workers; none unless given. */
  readonly registry?: Registry;
  /** How long to wait for workers that hang; then what they said last is shown. 5 unless given. */
  readonly timeoutSeconds?: number;
  /** Tells workers apart in gauges of mode "all"; "pid" unless given. */
  readonly label?: string;
}

/**
 * The metrics of all workers as one, in all formats: serve it like a registry. Workers of `node:cluster` are found by themselves, child
 * processes and threads are to be added. All of them call `answerMetricsRequests`.
 */
export class WorkerMetrics implements Exposable {
  readonly #options: WorkerMetricsOptions;
  readonly #aggregation: Aggregation;
  readonly #registry = new Registry();
  readonly #workers = new Map<AnyWorker, { source: string | undefined; readonly forget: () => void }>();
  /** Who waits for which thread's answer. */
  readonly #waiting = new Map<string, (message: AnswerMessage) => void>();
  #channel: BroadcastChannel | undefined;
  #id = 0;

  constructor(options: WorkerMetricsOptions = {}) {
    this.#options = options;
    this.#aggregation = new Aggregation(options.label ?? "pid");
    this.#registry.register(this.#aggregation);
  }

  /** Asks this worker from now on, until it exits. */
  add(worker: AnyWorker): void {
    if (this.#workers.has(worker)) return;
    const gone = (): void => this.#remove(worker);
    worker.once("exit", gone);
    const source = isThread(worker) ? threadSource(worker.threadId) : undefined;
    this.#workers.set(worker, { source, forget: () => worker.off("exit", gone) });
    if (isThread(worker)) this.#openChannel();
  }

  /** Stops asking all workers, and forgets them. */
  close(): void {
    for (const worker of [...this.#workers.keys()]) this.#remove(worker);
    this.#channel?.close();
    this.#channel = undefined;
  }

  async stream(format?: ExpositionFormat, options: ExposeOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    for (const worker of Object.values(cluster.workers ?? {})) if (worker !== undefined) this.add(worker);
    const id = ++this.#id;
    const answers = [...this.#workers.keys()].map((worker) => this.#ask(worker, id));
    // All threads hear it.
    this.#channel?.postMessage({ type: REQUEST, id } satisfies RequestMessage);
    await Promise.all(answers);
    if (this.#options.registry !== undefined) {
      this.#aggregation.set(String(process.pid), await takeSnapshot(this.#options.registry));
    }
    return this.#registry.stream(format, options);
  }

  /** Resolves when the worker has answered, cannot answer any more, or has taken too long. */
  #ask(worker: AnyWorker, id: number): Promise<void> {
    const entry = this.#workers.get(worker);
    if (entry === undefined || !isReachable(worker)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        clearTimeout(timer);
        if (isThread(worker)) this.#waiting.delete(`${entry.source} ${id}`);
        else worker.off("message", listen).off("disconnect", leave);
        worker.off("exit", leave);
        if (error === undefined) resolve();
        else reject(error);
      };
      const leave = (): void => settle();
      const listen = (message: unknown): void => {
        if (!isMessage<AnswerMessage>(message, ANSWER) || message.id !== id) return;
        const families = message.text === undefined ? message.families : fromText(message.text);
        if (families === undefined) {
          settle(new Error(`worker ${message.source}: ${message.error}`));
          return;
        }
        entry.source = message.source;
        this.#aggregation.set(message.source, families);
        settle();
      };
      const timer = setTimeout(leave, (this.#options.timeoutSeconds ?? 5) * 1000);
      worker.once("exit", leave);
      if (isThread(worker)) {
        this.#waiting.set(`${entry.source} ${id}`, listen);
        return;
      }
      worker.on("message", listen).once("disconnect", leave);
      const request: RequestMessage = { type: REQUEST, id };
      // Its channel may close just now.
      worker.send(request, (error: Error | null) => error && leave());
    });
  }

  #openChannel(): void {
    if (this.#channel !== undefined) return;
    this.#channel = new BroadcastChannel(CHANNEL);
    this.#channel.onmessage = (event) => {
      const { data } = event as { data: unknown };
      if (isMessage<AnswerMessage>(data, ANSWER)) this.#waiting.get(`${data.source} ${data.id}`)?.(data);
    };
    this.#channel.unref();
  }

  #remove(worker: AnyWorker): void {
    const entry = this.#workers.get(worker);
    entry?.forget();
    this.#workers.delete(worker);
    if (entry?.source !== undefined) this.#aggregation.remove(entry.source);
  }
}

function isReachable(worker: AnyWorker): boolean {
  if (isThread(worker)) return true;
  return "isConnected" in worker ? worker.isConnected() : worker.connected;
}

function isMessage<M extends { readonly type: string }>(message: unknown, type: M["type"]): message is M {
  return typeof message === "object" && message !== null && (message as { type?: unknown }).type === type;
}

function isThread(worker: AnyWorker): worker is ThreadWorker {
  return "postMessage" in worker;
}
