import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { silentLogger } from "@narthex/toolkit";
import { encodeMetadata, removeCheckpoints, writeCheckpoint } from "@narthex/tsdb";
import { ManualClock, until } from "../../scrape/testing.ts";
import { type LogConsumer, LogWatcher } from "./log-watcher.ts";
import { samplesRecord, TestLog } from "./testing.ts";

/** Notes what it is given; takes `room` entries, then nothing until there is more room. */
class Notes implements LogConsumer {
  readonly known: string[] = [];
  readonly taken: string[] = [];
  readonly touched: number[] = [];
  forgotten = -1;
  left: number = Number.POSITIVE_INFINITY;
  #wake: () => void = () => {};

  series(cursor: Parameters<LogConsumer["series"]>[0], segment: number): void {
    this.known.push(`${cursor.ref}=${cursor.labels().get("__name__")}@${segment}`);
  }
  touch(ref: number): void {
    this.touched.push(ref);
  }
  forgetBefore(segment: number): void {
    this.forgotten = segment;
  }
  metadata({ ref, metadata }: Parameters<LogConsumer["metadata"]>[0]): void {
    this.known.push(`${ref} is a ${metadata.type}`);
  }
  samples({ refs, times, count }: Parameters<LogConsumer["samples"]>[0], from: number): number {
    let at = from;
    for (; at < count && this.left > 0; at++, this.left--) this.taken.push(`${refs[at]}@${times[at]}`);
    return at;
  }
  histograms(entries: readonly unknown[]): number {
    return entries.length;
  }
  exemplars(entries: readonly unknown[]): number {
    return entries.length;
  }
  room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
  give(count: number): void {
    this.left = count;
    this.#wake();
  }
}

function watch(log: TestLog, test: { after(work: () => Promise<void>): void }, from = log.feed.position) {
  const notes = new Notes();
  const clock = new ManualClock(1000);
  const watcher = new LogWatcher({
    feed: log.feed,
    consumer: notes,
    from,
    wantsExemplars: false,
    wantsHistograms: false,
    wantsMetadata: true,
    clock,
    logger: silentLogger,
  });
  log.feed.whenWritten = () => watcher.notify();
  test.after(() => watcher.stop());
  watcher.start();
  return { notes, clock, watcher };
}

const turns = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

test("log watcher: series from before its start, samples only from then on, soon after each commit", async (t) => {
  const log = new TestLog();
  log.series({ 1: { __name__: "a" } });
  log.samples([1, 10, 1]);
  const { notes, clock } = watch(log, t);
  log.samples([1, 20, 1]);
  await until(() => notes.taken.length === 1);
  assert.deepEqual(notes.known, ["1=a@0"]);
  log.series({ 2: { __name__: "b" } });
  log.samples([1, 30, 1], [2, 30, 1]);
  clock.pass(9);
  await turns();
  assert.deepEqual(notes.taken, ["1@20"]);
  clock.pass(1);
  await until(() => notes.taken.length === 3);
  assert.deepEqual(notes.taken, ["1@20", "1@30", "2@30"]);
  assert.deepEqual(notes.known, ["1=a@0", "2=b@0"]);
});

test("log watcher: it starts between two records of a segment that has both before and after", async (t) => {
  const log = new TestLog();
  log.series({ 1: { __name__: "a" } });
  log.samples([1, 10, 1]);
  const from = log.feed.position;
  log.samples([1, 20, 1]);
  log.feed.cutSegment();
  log.samples([1, 30, 1]);
  const { notes } = watch(log, t, from);
  await until(() => notes.taken.length === 2);
  assert.deepEqual(notes.taken, ["1@20", "1@30"]);
  assert.deepEqual(notes.known, ["1=a@0"]);
});

test("log watcher: what has no room is kept, and reading waits for it", async (t) => {
  const log = new TestLog();
  const { notes, watcher } = watch(log, t);
  notes.left = 2;
  log.samples([1, 1, 1], [2, 1, 1], [3, 1, 1]);
  log.samples([1, 2, 1]);
  const finished = watcher.finish();
  await until(() => notes.taken.length === 2);
  await turns();
  assert.equal(notes.taken.length, 2);
  notes.give(1);
  await until(() => notes.taken.length === 3);
  notes.give(10);
  await finished;
  assert.deepEqual(notes.taken, ["1@1", "2@1", "3@1", "1@2"]);
});

test("log watcher: segments that went before they were read are passed over, series come from the checkpoint", async (t) => {
  const log = new TestLog();
  log.series({ 1: { __name__: "a" } });
  const { notes, watcher } = watch(log, t);
  notes.left = 0;
  log.samples([1, 1, 1]);
  await turns();
  log.feed.cutSegment();
  log.series({ 2: { __name__: "b" } });
  log.samples([2, 2, 1]);
  log.feed.cutSegment();
  log.series({ 3: { __name__: "c" } });
  log.samples([2, 3, 1], [3, 3, 1]);
  writeCheckpoint(log.fs, "data/wal", 0, 1, { minTime: 100, keep: () => true });
  log.feed.truncate(2);
  notes.give(100);
  await watcher.finish();
  assert.deepEqual(notes.taken, ["1@1", "2@3", "3@3"]);
  assert.deepEqual(notes.known, ["1=a@0", "1=a@1", "2=b@1", "3=c@2"]);
});

test("log watcher: a newer checkpoint tells which series there still are, once what it covers was read", async (t) => {
  const log = new TestLog();
  log.series({ 1: { __name__: "a" }, 2: { __name__: "b" } });
  const metadata = new ByteWriter();
  encodeMetadata(metadata, [{ ref: 2, metadata: { type: "gauge", help: "", unit: "" } }]);
  log.record(metadata);
  log.feed.cutSegment();
  log.feed.cutSegment();
  const { notes, clock, watcher } = watch(log, t);
  await until(() => notes.known.length === 3);
  assert.deepEqual(notes.known, ["1=a@0", "2=b@0", "2 is a gauge"]);
  clock.pass(5000);
  await turns();
  assert.equal(notes.forgotten, -1);
  writeCheckpoint(log.fs, "data/wal", 0, 1, { minTime: 0, keep: (ref) => ref === 2 });
  log.feed.truncate(2);
  removeCheckpoints(log.fs, "data/wal", 1);
  clock.pass(5000);
  await until(() => notes.forgotten >= 0);
  assert.deepEqual(notes.touched, [2]);
  assert.equal(notes.forgotten, 1);
  assert.equal(watcher.counters.recordsRead.get("series"), 2);
});

test("log watcher: one that is to finish takes what is there, and nothing that comes while it waits, nor later", async (t) => {
  for (const cuts of [false, true]) {
    const log = new TestLog();
    const { notes, watcher } = watch(log, t);
    notes.left = 1;
    log.samples([1, 1, 1]);
    log.samples([1, 2, 1]);
    if (cuts) log.feed.cutSegment();
    const finished = watcher.finish();
    log.samples([1, 3, 1]);
    await turns();
    notes.give(100);
    await finished;
    log.samples([1, 4, 1]);
    await turns();
    assert.deepEqual(notes.taken, ["1@1", "1@2"]);
  }
});

test("log watcher: what is on disk but may still be taken back is not taken", async (t) => {
  for (const cuts of [false, true]) {
    const log = new TestLog();
    const { notes, clock, watcher } = watch(log, t);
    log.samples([1, 1, 1]);
    if (cuts) log.feed.cutSegment();
    clock.pass(20);
    await until(() => notes.taken.length === 1);
    // More than the writer holds in memory: some of it is on disk before the flush, which never comes.
    const { bytes, length } = samplesRecord(Array.from({ length: 2000 }, (_, i) => [i, 2, i * 1.1]));
    for (let i = 0; i < 100; i++) log.feed.log(bytes, length);
    clock.pass(20_000);
    await turns();
    log.feed.discard();
    log.samples([1, 3, 1]);
    await watcher.finish();
    assert.deepEqual(notes.taken, ["1@1", "1@3"]);
  }
});

test("log watcher: records that cannot be decoded are counted and passed over", async (t) => {
  const log = new TestLog();
  const { notes, watcher } = watch(log, t);
  log.samples([1, 1, 1]);
  const unknown = new ByteWriter();
  unknown.uint8(99);
  log.record(unknown);
  const broken = new ByteWriter();
  broken.uint8(2);
  broken.uint32(1);
  log.record(broken);
  log.samples([1, 2, 1]);
  await watcher.finish();
  assert.deepEqual(notes.taken, ["1@1", "1@2"]);
  assert.equal(watcher.counters.decodeFailures, 2);
});

test("log watcher: damage on disk is looked at again, then passed over, and what follows is read", async (t) => {
  const log = new TestLog();
  const { notes, clock } = watch(log, t);
  log.samples([1, 1, 1]);
  clock.pass(20);
  await until(() => notes.taken.length === 1);
  const { offset } = log.feed.position;
  log.samples([1, 2, 1]);
  const file = log.fs.open("data/wal/00000000", "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  bytes[offset + 10] = 0xff;
  log.fs.truncate("data/wal/00000000", 0);
  log.fs.open("data/wal/00000000", "append").append(bytes);
  for (let i = 0; i < 3; i++) {
    clock.pass(20_000);
    await turns();
  }
  log.samples([1, 3, 1]);
  for (let i = 0; i < 3; i++) {
    clock.pass(20_000);
    await turns();
  }
  assert.deepEqual(notes.taken, ["1@1", "1@3"]);
});

test("log watcher: stopping ends it even while it waits for room", async (t) => {
  const log = new TestLog();
  const { notes, watcher } = watch(log, t);
  notes.left = 0;
  log.samples([1, 1, 1]);
  const finished = watcher.finish();
  await turns();
  const stopped = watcher.stop();
  notes.give(0);
  await stopped;
  await finished;
  assert.deepEqual(notes.taken, []);
});
