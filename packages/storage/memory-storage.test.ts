import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, Matcher } from "@narthex/model";
import { Append } from "./appender.ts";
import { storageContract } from "./contract-suite.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { SampleBuffer } from "./sample-buffer.ts";

storageContract("memory storage", () => ({ storage: new MemoryStorage(), close: () => {} }), {
  histograms: true,
  startTimes: true,
});

const LABELS = Labels.fromObject({ __name__: "up" });

function times(storage: MemoryStorage): number[] {
  const querier = storage.querier(0, Number.MAX_SAFE_INTEGER);
  const buffer = new SampleBuffer();
  const set = querier.select([new Matcher("=", "__name__", "up")]);
  if (set.count > 0) set.read(0, 0, Number.MAX_SAFE_INTEGER, buffer);
  querier.close();
  return [...buffer.times.subarray(0, buffer.count)];
}

test("memory storage: within its out-of-order window late samples find their place, older ones are refused", () => {
  const storage = new MemoryStorage({ outOfOrderWindowMs: 5000 });
  const first = storage.appender();
  const ref = first.series(LABELS);
  for (const t of [10_000, 7000, 8000, 6000]) assert.equal(first.append(ref, t, t), Append.ok);
  first.commit();
  const second = storage.appender();
  assert.equal(second.append(ref, 4999, 1), Append.tooOld);
  assert.equal(second.append(ref, 7000, 1), Append.duplicate);
  assert.equal(second.append(ref, 7000, 7000), Append.ok);
  assert.equal(second.append(ref, 9000, 1), Append.ok);
  const before = storage.querier(0, 20_000);
  second.commit();
  assert.deepEqual(times(storage), [6000, 7000, 8000, 9000, 10_000]);
  const buffer = new SampleBuffer();
  before.select([new Matcher("=", "__name__", "up")]).read(0, 0, 20_000, buffer);
  assert.equal(buffer.count, 4);
  before.close();
});

test("memory storage: a commit that would go past the bound of samples throws and changes nothing", () => {
  const storage = new MemoryStorage({ maxSamples: 3 });
  const first = storage.appender();
  const ref = first.series(LABELS);
  for (const t of [1, 2]) first.append(ref, t, t);
  first.commit();
  const second = storage.appender();
  for (const t of [3, 4]) second.append(ref, t, t);
  assert.throws(() => second.commit(), /memory storage is full: it takes 3 samples at most/);
  second.rollback();
  assert.deepEqual(times(storage), [1, 2]);
  assert.equal(storage.sampleCount, 2);
});

test("memory storage: of two appenders the later commit loses what has become too old", () => {
  const storage = new MemoryStorage();
  const slow = storage.appender();
  const quick = storage.appender();
  slow.append(slow.series(LABELS), 1000, 1);
  quick.append(quick.series(LABELS), 2000, 2);
  quick.commit();
  slow.commit();
  assert.deepEqual(times(storage), [2000]);
  assert.throws(() => slow.commit(), /committed or rolled back already/);
});

test("memory storage: metadata and the newest exemplars of a series", () => {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  const ref = appender.series(LABELS);
  appender.append(ref, 1000, 1);
  appender.updateMetadata(ref, { type: "gauge", help: "h", unit: "" });
  for (let i = 0; i < 20; i++) appender.appendExemplar(ref, { labels: Labels.empty, value: i, t: i });
  assert.equal(storage.metadata(LABELS), undefined);
  appender.commit();
  assert.deepEqual(storage.metadata(LABELS), { type: "gauge", help: "h", unit: "" });
  assert.deepEqual(
    storage.exemplars(LABELS).map(({ value }) => value),
    Array.from({ length: 16 }, (_, i) => i + 4),
  );
});

test("memory storage: a batch that is in order only is refused late samples, window or not", () => {
  const storage = new MemoryStorage({ outOfOrderWindowMs: 5000 });
  const first = storage.appender();
  const ref = first.series(LABELS);
  first.append(ref, 10_000, 1);
  first.commit();
  const second = storage.appender({ inOrderOnly: true });
  assert.equal(second.append(ref, 9000, 1), Append.outOfOrder);
  assert.equal(second.append(ref, 11_000, 1), Append.ok);
  second.commit();
  assert.deepEqual(times(storage), [10_000, 11_000]);
});
