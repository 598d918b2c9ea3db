// A worker reads while late samples come in on the main thread, fill blocks, go to disk and into blocks of the database.
// This file is both: the test on the main thread, the reader in a worker.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import { DbReader, type DbShare, type ReadTicket } from "./share.ts";

const START = 7_200_000 * 1000;
const SERIES = 20;
/** Samples of a commit for each series. */
const PER_COMMIT = 3;
const COMMITS = 3000;
/** How far the samples reach back: all of them stay in the window. */
const SPAN_MS = 6 * 3_600_000;

/** When the `i`-th late sample of a series was taken: scattered over the span, no two of one time. */
function timeOf(i: number): number {
  return START - SPAN_MS + ((i * 7919) % (COMMITS * PER_COMMIT + 1)) * 2000;
}

interface Question {
  readonly ticket: ReadTicket;
  /** Commits the ticket must see, all of them and no more. */
  readonly commits: number;
}

/** What is wrong with what the ticket sees; undefined when nothing is. */
function check(reader: DbReader, { ticket, commits }: Question): string | undefined {
  const querier = reader.queryable(ticket).querier(0, Number.MAX_SAFE_INTEGER);
  const set = querier.select([new Matcher("=", "__name__", "late")]);
  const buffer = new SampleBuffer();
  if (set.count !== SERIES) return `${set.count} series`;
  for (let s = 0; s < SERIES; s++) {
    buffer.clear();
    set.read(s, 0, Number.MAX_SAFE_INTEGER, buffer);
    // One in order, the rest late.
    if (buffer.count !== commits * PER_COMMIT + 1) return `${buffer.count} samples, not ${commits * PER_COMMIT + 1}`;
    for (let i = 0; i < buffer.count; i++) {
      if (i > 0 && (buffer.times[i] as number) <= (buffer.times[i - 1] as number)) return `time ${i} does not ascend`;
      const value = buffer.values[i] as number;
      if (value >= commits * PER_COMMIT) return `value ${value} after ${commits} commits`;
      if (value >= 0 && buffer.times[i] !== timeOf(value)) return `value ${value} at ${buffer.times[i]}`;
    }
  }
  querier.close();
  return undefined;
}

if (!isMainThread) {
  const reader = new DbReader(workerData as DbShare);
  parentPort?.on("message", (question: Question) => {
    try {
      parentPort?.postMessage(check(reader, question));
    } catch (error) {
      parentPort?.postMessage((error as Error).stack ?? String(error));
    }
  });
} else {
  test("DbReader: a worker sees each late commit whole or not at all while more come in", async () => {
    const directory = mkdtempSync(join(tmpdir(), "narthex-late-"));
    const db = await Db.open({
      directory,
      memoryBytes: 2 ** 26,
      maintenanceIntervalMs: 0,
      outOfOrderWindowMs: 2 * SPAN_MS,
    });
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: db.share() });
    const failed = new Promise<never>((_, reject) => worker.on("error", reject));
    const waiting: ReadTicket[] = [];
    let problem: string | undefined;
    let answers = 0;
    worker.on("message", (reply: string | undefined) => {
      db.endRead(waiting.shift() as ReadTicket);
      problem ??= reply;
      answers++;
    });
    const work = async (): Promise<void> => {
      const first = db.appender();
      const refs = Array.from({ length: SERIES }, (_, s) => {
        const ref = first.series(Labels.fromObject({ __name__: "late", s: String(s) }));
        first.append(ref, START, -1);
        return ref;
      });
      first.commit();
      for (let commits = 0; commits < COMMITS && problem === undefined; ) {
        const appender = db.appender();
        for (const ref of refs) {
          for (let k = 0; k < PER_COMMIT; k++) {
            const i = commits * PER_COMMIT + k;
            assert.equal(appender.append(ref, timeOf(i), i), 0);
          }
        }
        appender.commit();
        commits++;
        if (waiting.length < 3) {
          const ticket = db.beginRead();
          waiting.push(ticket);
          worker.postMessage({ ticket, commits } satisfies Question);
        }
        // The worker shall answer often, each time while commits go on.
        do await new Promise((resolve) => setImmediate(resolve));
        while (answers < commits / 60 && problem === undefined);
      }
      while (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    try {
      await Promise.race([work(), failed]);
      assert.equal(problem, undefined);
      assert.ok(answers > 20, `${answers} answers`);
      assert.equal(db.head.outOfOrder.counters.samplesAppended, COMMITS * PER_COMMIT * SERIES);
    } finally {
      await worker.terminate();
      await db.close();
      rmSync(directory, { recursive: true });
    }
  });
}
