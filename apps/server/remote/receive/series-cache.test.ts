import assert from "node:assert/strict";
import { test } from "node:test";
import { SeriesCache } from "./series-cache.ts";

function bytesOf(text: string): { view: DataView; end: number } {
  const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(8, 0xee)]);
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), end: bytes.length - 8 };
}

test("series cache: keys of every length are told apart, whatever stands behind them", () => {
  const cache = new SeriesCache(1 << 20, 7);
  const texts = Array.from({ length: 200 }, (_, i) => "x".repeat(i + 1));
  texts.forEach((text, i) => {
    const { view, end } = bytesOf(text);
    assert.equal(cache.find(view, 0, end), 0);
    cache.add(view, 0, end, i + 1);
  });
  assert.equal(cache.count, 200);
  texts.forEach((text, i) => {
    const { view, end } = bytesOf(text);
    assert.equal(cache.find(view, 0, end), i + 1);
    assert.equal(cache.ref, i + 1);
  });
});

test("series cache: what followed once is guessed again, around the end too", () => {
  const cache = new SeriesCache(1 << 20, 7);
  const keys = ["first", "second key", "third"].map(bytesOf);
  keys.forEach(({ view, end }, i) => {
    cache.find(view, 0, end);
    cache.add(view, 0, end, 10 + i);
  });
  for (let round = 0; round < 3; round++) {
    for (const [i, { view, end }] of keys.entries()) {
      assert.equal(cache.guess(view, 0, end), end);
      assert.equal(cache.ref, 10 + i);
    }
  }
  const other = bytesOf("fourth");
  assert.equal(cache.guess(other.view, 0, other.end), 0);
  const longer = bytesOf("first and more");
  assert.equal(cache.guess(longer.view, 0, longer.end), 5, "a guess tells how much of the input it stands for");
});

test("series cache: a ref can be replaced, and refs above 2^31 stay what they are", () => {
  const cache = new SeriesCache(1 << 20, 1);
  const { view, end } = bytesOf("a series");
  cache.add(view, 0, end, 3);
  assert.equal(cache.find(view, 0, end), 3);
  cache.update(0xfffffff0);
  assert.equal(cache.find(view, 0, end), 0xfffffff0);
});

test("series cache: beyond its bound it starts over", () => {
  const cache = new SeriesCache(2 << 20, 1);
  let largest = 0;
  for (let i = 0; i < 60_000; i++) {
    const { view, end } = bytesOf(`series number ${i} with some text behind it to take up room`);
    if (cache.find(view, 0, end) === 0) cache.add(view, 0, end, i + 1);
    largest = Math.max(largest, cache.count);
    assert.equal(cache.find(view, 0, end), i + 1);
  }
  // The shortest key is 56 bytes long, and there are two words in front of each.
  const most = Math.floor((2 << 20) / (56 + 8));
  assert.ok(largest <= most, `${largest} series do not fit into 2 MiB`);
  assert.ok(cache.count <= most);
});

test("series cache: empty and endless keys are not kept", () => {
  const cache = new SeriesCache(1 << 20, 1);
  const endless = bytesOf("x".repeat(70_000));
  cache.add(endless.view, 0, endless.end, 5);
  cache.add(endless.view, 0, 0, 5);
  assert.equal(cache.count, 0);
  assert.equal(cache.find(endless.view, 0, endless.end), 0);
  assert.equal(cache.guess(endless.view, 0, endless.end), 0);
});
