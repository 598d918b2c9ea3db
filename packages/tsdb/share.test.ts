// A worker reads while the main thread appends, cuts chunks, moves them to disk and reuses their slots.
// This file is both: the tests on the main thread, the reader in a worker.
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

const RANGE = 7_200_000;
const START = RANGE * 1000;
const STEP = 15_000;
const SERIES = 60;
const BATCH = 512;

/** Which commits have a sample of series `s`, and its value: both sides compute it. */
function hasSample(s: number, step: number): boolean {
  return (s * 7 + step) % 5 !== 0;
}

function valueAt(s: number, step: number): number {
  return ((step * 2654435761 + s * 40503) % 1_000_003) / (1 + (s % 3));
}

interface Question {
  readonly ticket: ReadTicket;
  /** Commits the ticket must see, all of them and no more. */
  readonly steps: number;
  /** Samples before this step may be gone. */
  readonly firstStep: number;
  /** How many series there are, and how often they shall be read. */
  readonly series: number;
  readonly repeat: number;
  /** Whether newer samples may be there as well (in order, none left out): the ticket claims to be from the future. */
  readonly mayBeMore?: boolean;
}

interface Answer {
  readonly error?: string;
  readonly samples: number;
}

function answer(reader: DbReader, { ticket, steps, firstStep, series, repeat, mayBeMore }: Question): Answer {
  const querier = reader.queryable(ticket).querier(START + firstStep * STEP, Number.MAX_SAFE_INTEGER);
  const set = querier.select([new Matcher("=", "__name__", "stress")]);
  const buffer = new SampleBuffer();
  let samples = 0;
  for (let round = 0; round < repeat; round++) {
    let last = "";
    for (let i = 0; i < set.count; i++) {
      const labels = set.labels(i);
      const name = labels.get("s");
      if (name <= last) return { error: `series ${name} after ${last}`, samples };
      last = name;
      const s = Number(name);
      buffer.clear();
      set.read(i, START, Number.MAX_SAFE_INTEGER, buffer);
      let at = 0;
      for (let step = firstStep; step < steps || (mayBeMore && at < buffer.count); step++) {
        if (!hasSample(s, step)) continue;
        if (at >= buffer.count || buffer.times[at] !== START + step * STEP || buffer.values[at] !== valueAt(s, step)) {
          return { error: `series ${s}, step ${step} of ${steps}: ${buffer.times[at]} ${buffer.values[at]}`, samples };
        }
        at++;
      }
      if (at !== buffer.count) return { error: `series ${s}: ${buffer.count - at} samples too many`, samples };
      samples += at;
    }
    if (set.count !== series) return { error: `${set.count} series`, samples };
  }
  querier.close();
  return { samples };
}

if (!isMainThread) {
  const reader = new DbReader(workerData as DbShare);
  parentPort?.on("message", (question: Question) => {
    try {
      parentPort?.postMessage(answer(reader, question));
    } catch (error) {
      parentPort?.postMessage({ error: (error as Error).stack ?? String(error), samples: 0 });
    }
  });
} else {
  test("DbReader: a worker sees each commit whole or not at all while main appends, cuts and frees", async () => {
    const directory = mkdtempSync(join(tmpdir(), "narthex-share-"));
    const db = await Db.open({ directory, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, walCompression: "none" });
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: db.share() });
    const failed = new Promise<never>((_, reject) => worker.on("error", reject));
    let answers = 0;
    let samples = 0;
    const waiting: { ticket: ReadTicket; done: (answer: Answer) => void }[] = [];
    worker.on("message", (message: Answer) => {
      const { ticket, done } = waiting.shift() as (typeof waiting)[0];
      db.endRead(ticket);
      done(message);
    });
    let problem: string | undefined;
    let step = 0;
    let firstStep = 0;
    const ask = (): void => {
      const ticket = db.beginRead();
      waiting.push({
        ticket,
        done: (reply) => {
          problem ??= reply.error;
          answers++;
          samples += reply.samples;
        },
      });
      // Everything, or the newest samples: then there are more questions, and more of them meet the writer.
      const from = step % 3 === 0 ? firstStep : Math.max(firstStep, step - 150);
      worker.postMessage({ ticket, steps: step, firstStep: from, series: SERIES, repeat: 1 } satisfies Question);
    };
    const refs: number[] = [];
    const work = async (): Promise<void> => {
      while ((step < 6000 || answers < 150) && step < 40_000 && problem === undefined) {
        const appender = db.appender();
        for (let s = 0; s < SERIES; s++) {
          const name = String(s).padStart(3, "0");
          refs[s] ??= appender.series(Labels.fromObject({ __name__: "stress", s: name }));
          if (hasSample(s, step)) appender.append(refs[s] as number, START + step * STEP, valueAt(s, step));
        }
        appender.commit();
        step++;
        if (waiting.length < 3 && step > 5) ask();
        if (step % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (step % 1500 === 0) {
          while (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
          firstStep = Math.floor((step - 700) / 480) * 480;
          await db.truncateHead(START + firstStep * STEP);
        }
      }
      while (waiting.length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    };
    try {
      await Promise.race([work(), failed]);
      assert.equal(problem, undefined);
      assert.ok(answers >= 150 && samples > 100_000, `${answers} answers with ${samples} samples`);
      assert.equal(db.head.snapshots.undoEntries, 0);
    } finally {
      await worker.terminate();
      db.close();
      rmSync(directory, { recursive: true });
    }
  });

  test("DbReader: a series whose chunk is cut all the time is read soundly meanwhile", async () => {
    const directory = mkdtempSync(join(tmpdir(), "narthex-share-"));
    const db = await Db.open({
      directory,
      memoryBytes: 2 ** 26,
      maintenanceIntervalMs: 0,
      walCompression: "none",
      blockRangeMs: 16 * STEP,
    });
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: db.share() });
    try {
      let step = 0;
      const appender = db.appender();
      const ref = appender.series(Labels.fromObject({ __name__: "stress", s: "0" }));
      appender.commit();
      const records = new Uint32Array(BATCH).fill(db.head.recordOf(ref));
      const times = new Float64Array(BATCH);
      const values = new Float64Array(BATCH);
      // Without a log in between, the record changes nearly all the time.
      const append = (): void => {
        let count = 0;
        for (let i = 0; i < BATCH; i++, step++) {
          if (!hasSample(0, step)) continue;
          times[count] = START + step * STEP;
          values[count++] = valueAt(0, step);
        }
        db.head.replayed.floats(records, times, new Uint32Array(values.buffer), undefined, count);
      };
      for (let round = 0; round < 60; round++) {
        append();
        const ticket = db.beginRead();
        const answered = new Promise<Answer>((resolve, reject) => {
          worker.once("message", resolve);
          worker.removeAllListeners("error").once("error", reject);
        });
        // A view that sees everything shows a record that was copied half old, half new at once.
        const snapshot = { ...ticket.snapshot, epoch: ticket.snapshot.epoch + 2 ** 30 };
        const question = {
          ticket: { ...ticket, snapshot },
          steps: step,
          firstStep: step - 3,
          series: 1,
          repeat: 15,
          mayBeMore: true,
        };
        worker.postMessage(question satisfies Question);
        // Meanwhile this thread writes without a pause.
        const until = performance.now() + 1.5;
        while (performance.now() < until) append();
        assert.equal((await answered).error, undefined);
        db.endRead(ticket);
        await db.truncateHead(START + (step - BATCH) * STEP);
      }
    } finally {
      await worker.terminate();
      db.close();
      rmSync(directory, { recursive: true });
    }
  });

  test("DbReader: a ticket that was given up fails its readers with a clear error", async () => {
    const directory = mkdtempSync(join(tmpdir(), "narthex-share-"));
    const db = await Db.open({ directory, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0 });
    const reader = new DbReader(db.share());
    const ticket = structuredClone(db.beginRead());
    const querier = reader.queryable(ticket).querier(0, 1);
    assert.equal(querier.select([]).count, 0);
    for (let i = 0; i < 1024; i++) db.beginRead();
    assert.throws(() => querier.select([]), { name: "SnapshotExpiredError" });
    reader.close();
    db.close();
    rmSync(directory, { recursive: true });
  });
}
