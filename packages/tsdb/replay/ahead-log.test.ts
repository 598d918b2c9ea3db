// What happens beside the way of a sound log: little room, records that only the slow decoder judges, threads that come late or never.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import { NodeFs } from "../fs/node-fs.ts";
import { Head } from "../head/head.ts";
import { Replay, ReplayChunks } from "../head/replay.ts";
import { AHEAD_REGION } from "../kernels/desk.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { HeadMemoryError, reserveMemory } from "../memory/layout.ts";
import { RecordError } from "../wal/record.ts";
import { encodeSamples } from "../wal/sample-record.ts";
import { encodeSeries } from "../wal/series-record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { WalWriter } from "../wal/wal-writer.ts";
import { AheadLog } from "./ahead-log.ts";
import { AHEAD_BYTES, AheadState, AheadWords } from "./ahead-words.ts";
import { ReplayThread, SECOND_THREAD_FROM_BYTES } from "./replay-thread.ts";

const RANGE = 7_200_000;
const START = RANGE * 240_000;
const SERIES = 3;
const fs = new NodeFs();

/** A log of three series, and `rounds` records of one sample of the first; `spoil` changes a record before it is written. */
function inLog(rounds: number, use: (directory: string) => Promise<void>, spoil?: (record: ByteWriter) => void) {
  return async (): Promise<void> => {
    const directory = mkdtempSync(join(tmpdir(), "ahead-log-"));
    try {
      const wal = WalWriter.open(fs, directory, { compression: "none" });
      const record = new ByteWriter(256);
      record.uint8(1);
      for (let i = 1; i <= SERIES; i++) encodeSeries(record, i, Labels.fromObject({ __name__: "m", s: `${i}` }));
      wal.log(record.bytes, record.length);
      for (let round = 0; round < rounds; round++) {
        record.clear();
        encodeSamples(record, Float64Array.of(1), Float64Array.of(START + round * 15_000), new Uint32Array(2), 0, 1);
        spoil?.(record);
        wal.log(record.bytes, record.length);
      }
      wal.close();
      await use(directory);
    } finally {
      rmSync(directory, { recursive: true });
    }
  };
}

function newHead(): Head {
  return new Head({ chunkRangeMs: RANGE, memoryBytes: 2 ** 29 });
}

function logOf(head: Head, directory: string, thread = new ReplayThread(head.memory.memory, directory, 0)): AheadLog {
  return aheadLog(head, thread.directory);
}

function aheadLog(head: Head, directory: string): AheadLog {
  const options = { fs, directory, fromSegment: 0, onSegment: () => undefined, patienceMs: 300 };
  return new AheadLog(head, head.kernels as Kernels, options);
}

/** Replays all of a log. Returns how many samples the head has then. */
function replayAll(head: Head, log: AheadLog | WalReader, replay = new Replay(head, new ReplayChunks())): number {
  try {
    while (log.next()) replay.apply(log);
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    log.corruptionHere(error.message);
  } finally {
    log.close();
  }
  return head.counters.samplesAppended;
}

test("words and stretches fit into their region", () => {
  assert.ok(AHEAD_BYTES <= AHEAD_REGION.bytes, `${AHEAD_BYTES} of ${AHEAD_REGION.bytes}`);
});

test(
  "log read ahead: a head that is nearly full takes what there is",
  inLog(3, async (directory) => {
    const head = newHead();
    head.room.slots.takeRun(head.room.slots.available - 1000);
    const log = logOf(head, directory);
    await log.whenUp();
    assert.equal(replayAll(head, log), 3);
  }),
);

test(
  "log read ahead: nothing behind a record that the slow decoder refuses is taken",
  inLog(
    3,
    async (directory) => {
      const alone = newHead();
      const reader = new WalReader(fs, directory, { kernels: alone.kernels });
      assert.equal(replayAll(alone, reader), 1);
      const head = newHead();
      const log = logOf(head, directory);
      await log.whenUp();
      assert.equal(replayAll(head, log), 1);
      assert.equal(log.corruption?.offset, reader.corruption?.offset);
    },
    (record) => {
      // A sample of ref 100, which no series has, with a time of 56 bits.
      record.bytes.set([0x80 | ((99 * 2) & 0x7f), (99 * 2) >>> 7, ...new Array(7).fill(0xff), 0x7f], record.length);
      record.bytes.fill(0, record.length + 10, record.length + 18);
      record.length += 18;
    },
  ),
);

test("log read ahead: only a long log gets a thread, and only where its memory has room for what is read ahead", () => {
  const directory = mkdtempSync(join(tmpdir(), "ahead-log-"));
  const log = join(directory, "wal");
  try {
    assert.equal(ReplayThread.forDatabase(directory), undefined, "no log");
    mkdirSync(log);
    const segment = join(log, "00000000");
    writeFileSync(segment, "");
    truncateSync(segment, SECOND_THREAD_FROM_BYTES - 1);
    assert.equal(ReplayThread.forDatabase(directory), undefined, "a short one");
    truncateSync(segment, SECOND_THREAD_FROM_BYTES);
    const refuse = (): never => {
      throw new HeadMemoryError("no memory");
    };
    assert.equal(ReplayThread.forDatabase(directory, refuse), undefined);
    assert.equal(
      ReplayThread.forDatabase(directory, () => reserveMemory(2 ** 28)),
      undefined,
      "a small memory",
    );
    const thread = ReplayThread.forDatabase(directory, () => reserveMemory(2 ** 29));
    assert.equal(thread?.isFor(directory), true);
    assert.equal(thread?.end(), true);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test(
  "log read ahead: what was read before anybody asked for it",
  inLog(2000, async (directory) => {
    const thread = new ReplayThread(reserveMemory(2 ** 29), directory, 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const head = new Head({ chunkRangeMs: RANGE, memory: thread.memory });
    const log = aheadLog(head, directory);
    assert.equal(replayAll(head, log), 2000);
    assert.equal(log.readAhead, 2001);
    thread.end();
  }),
);

test(
  "log read ahead: two logs one after the other on one memory, whichever thread comes up first",
  inLog(2000, async (directory) => {
    for (const pauseMs of [0, 20, 60, 200]) {
      const head = newHead();
      const replay = new Replay(head, new ReplayChunks());
      const first = logOf(head, directory);
      if (pauseMs % 40 !== 0) await first.whenUp();
      assert.ok(first.next());
      replay.apply(first);
      first.close();
      const second = logOf(head, directory);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      assert.equal(replayAll(head, second, replay), 2000);
    }
  }),
);

test(
  "log read ahead: without a second thread this one reads all",
  inLog(50, async (directory) => {
    const head = newHead();
    const log = aheadLog(head, directory);
    assert.equal(replayAll(head, log), 50);
    assert.equal(log.readAhead, 0);
  }),
);

test(
  "log read ahead: a second thread that was ended before it came up",
  inLog(50, async (directory) => {
    const head = newHead();
    const thread = new ReplayThread(head.memory.memory, directory, 0);
    thread.end();
    assert.equal(replayAll(head, logOf(head, directory, thread)), 50);
  }),
);

test(
  "log read ahead: after a second thread that dies without a word this one reads on",
  inLog(50, async (directory) => {
    const head = newHead();
    const words = new AheadWords(head.memory);
    words.begin(0);
    assert.ok(words.change(AheadState.starting, AheadState.running));
    assert.equal(replayAll(head, aheadLog(head, directory)), 50);
    assert.equal(words.end(30_000), false, "nobody knows what became of it, and nobody waits for it again");

    const late = newHead();
    const log = aheadLog(late, directory);
    const replay = new Replay(late, new ReplayChunks());
    assert.ok(log.next());
    replay.apply(log);
    assert.ok(new AheadWords(late.memory).change(AheadState.late, AheadState.ready));
    assert.equal(replayAll(late, log, replay), 50);
  }),
);

test("log read ahead: nobody waits for a thread that never began, however often it is ended", () => {
  const { memory } = newHead();
  const words = new AheadWords(memory);
  words.begin(0);
  const began = Date.now();
  assert.ok(words.end(30_000));
  assert.ok(words.end(30_000));
  assert.ok(Date.now() - began < 10_000);
  const late = new AheadWords(memory, words.begin(0) - 1);
  assert.equal(late.state, AheadState.stop);
  assert.equal(late.change(AheadState.starting, AheadState.running), false, "it came up for another log");
});

test(
  "log read ahead: what came to the log after the thread had read it",
  inLog(2000, async (directory) => {
    const thread = new ReplayThread(reserveMemory(2 ** 29), directory, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    // The thread began before the directory was ours: another process was at work there to the last.
    const wal = WalWriter.open(fs, directory, { compression: "none" });
    const record = new ByteWriter(256);
    encodeSamples(record, Float64Array.of(2), Float64Array.of(START), new Uint32Array(2), 0, 1);
    wal.log(record.bytes, record.length);
    wal.close();
    const head = new Head({ chunkRangeMs: RANGE, memory: thread.memory });
    assert.equal(replayAll(head, aheadLog(head, directory)), 2001);
    assert.ok(thread.end());
  }),
);
