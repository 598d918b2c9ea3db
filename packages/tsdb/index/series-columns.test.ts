import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { copySamples, type DecodedChunk, keepSamples } from "../chunk/decoded-chunk.ts";
import { labelSet } from "./label-sets.ts";
import { CacheBudget, readBudget } from "./read-cache.ts";
import { keepDecoded, type SeriesChunks, SeriesColumns, type SeriesEntry } from "./series-columns.ts";

/** Chunks of a series that differ from all others'. */
function chunksOf(id: number): SeriesChunks {
  const chunkCount = id % 4;
  const numbers = (factor: number) => Float64Array.from({ length: chunkCount }, (_, i) => id * factor + i);
  return { first: 0, chunkCount, minTimes: numbers(10), maxTimes: numbers(100), refs: numbers(2 ** 33) };
}

function shown(entry: SeriesEntry | undefined): unknown {
  if (entry === undefined) return undefined;
  const { first, chunkCount, labels } = entry;
  const part = (numbers: Float64Array) => [...numbers.subarray(first, first + chunkCount)];
  return [labels.toString(), part(entry.minTimes), part(entry.maxTimes), part(entry.refs)];
}

test("series columns: each series comes back with its own chunks and labels, after ageing too", () => {
  const columns = new SeriesColumns();
  const labelsOf = (id: number) => Labels.fromObject({ id: String(id) });
  for (let id = 1; id < 1000; id += 3) columns.add(id, labelsOf(id), chunksOf(id));
  columns.age();
  for (let id = 1; id < 1000; id += 7) {
    const expected = id % 3 === 1 ? shown({ ...chunksOf(id), labels: labelsOf(id), decoded: [] }) : undefined;
    assert.deepEqual(shown(columns.get(id) as SeriesEntry | undefined), expected);
  }
  columns.age();
  assert.notEqual(columns.get(22), undefined, "used since");
  assert.equal(columns.get(4), undefined, "not used for two generations");
  columns.close();
});

test("series columns: decoded chunks survive an ageing with their series", () => {
  const columns = new SeriesColumns();
  const samples = new SampleBuffer();
  for (let i = 0; i < 50; i++) samples.pushFloat(i * 1000, i / 7);
  columns.add(2, Labels.empty, chunksOf(2));
  const entry = columns.add(3, Labels.empty, chunksOf(3));
  keepDecoded(entry, entry.first + 1, keepSamples(samples) as DecodedChunk);
  columns.age();
  columns.get(3);
  columns.age();
  const { first, decoded } = columns.get(3) as SeriesEntry;
  assert.deepEqual([decoded[first], decoded[first + 2]], [undefined, undefined]);
  const into = new SampleBuffer();
  copySamples(decoded[first + 1] as DecodedChunk, 0, 1e6, into);
  assert.deepEqual(into.values.subarray(0, 50), samples.values.subarray(0, 50));
  columns.close();
});

test("read budget: all caches age when one has filled a generation", () => {
  const budget = new CacheBudget(8);
  const ages = [0, 0];
  ages.forEach((_, i) => {
    budget.join({ age: () => ages[i]++ });
  });
  for (let i = 0; i < 5; i++) budget.spend(1);
  assert.deepEqual(ages, [1, 1]);
  for (let i = 0; i < 4; i++) budget.spend(1);
  assert.deepEqual(ages, [2, 2]);
});

test("series columns: they stay within their bound", () => {
  const { total } = readBudget;
  readBudget.limit(80 * 20);
  const columns = new SeriesColumns();
  for (let id = 1; id < 4000; id += 4) columns.add(id, Labels.empty, chunksOf(id));
  let kept = 0;
  for (let id = 1; id < 4000; id += 4) if (columns.get(id) !== undefined) kept++;
  assert.ok(kept > 0 && kept <= 20, `${kept} are kept`);
  columns.close();
  readBudget.limit(total);
});

test("label sets: equal symbols give one object, others their own", () => {
  const texts = ["a", "b", "1", "2"];
  const one = labelSet([0, 2, 1, 3], 4, texts);
  assert.deepEqual(one.toObject(), { a: "1", b: "2" });
  assert.equal(labelSet([0, 2, 1, 3, 9], 4, texts), one);
  assert.deepEqual(labelSet([0, 2], 2, texts).toObject(), { a: "1" });
  const many = Array.from({ length: 5000 }, (_, i) => String(i));
  const sets = many.map((_, i) => labelSet([i, i], 2, many));
  sets.forEach((set, i) => {
    assert.equal(labelSet([i, i], 2, many), set);
    if (i > 3) assert.deepEqual(set.pairs, [String(i), String(i)]);
  });
});
