import assert from "node:assert/strict";
import test from "node:test";
import { goSort } from "./go-sort.ts";

/** Positions before the sort, as they lie after it. */
function order(values: readonly number[], less = (a: number, b: number): boolean => a < b): number[] {
  const items = values.map((value, index) => ({ value, index }));
  goSort(items, (a, b) => less(a.value, b.value));
  return items.map(({ index }) => index);
}

test("goSort: up to twelve elements keep the order of ties", () => {
  assert.deepEqual(order([2, 1, 2, 1, 1, 2]), [1, 3, 4, 0, 2, 5]);
});

test("goSort: an order in which NaN is before NaN turns them round", () => {
  assert.deepEqual(
    order([NaN, 1, NaN, 0], (a, b) => Number.isNaN(b) || a < b),
    [3, 1, 2, 0],
  );
});

test("goSort: ties among more elements come out as Prometheus 3.5.3 returns them", () => {
  // sort(x) over 99 series, sort(y) over 400: the places of the lowest ones before.
  const x = Array.from({ length: 99 }, (_, i) => (i * i + 3 * i) % 11);
  assert.deepEqual(order(x).slice(0, 18), [22, 19, 96, 44, 0, 41, 52, 55, 8, 88, 85, 11, 33, 30, 63, 66, 74, 77]);
  const y = Array.from({ length: 400 }, (_, i) => ((i * 2654435761) % 1009) % 7);
  assert.deepEqual(order(y).slice(0, 10), [200, 0, 88, 89, 90, 91, 399, 398, 397, 396]);
});

test("goSort: sorts, whatever the shape of the input", () => {
  const shapes: Readonly<Record<string, (i: number, n: number) => number>> = {
    ascending: (i) => i,
    descending: (i) => -i,
    equal: () => 1,
    "few values": (i) => (i * 7919) % 5,
    organ: (i, n) => Math.min(i, n - i),
    "nearly sorted": (i) => (i % 50 === 0 ? -i : i),
    scattered: (i) => (i * 2654435761) % 1000003,
    sawtooth: (i) => i % 17,
  };
  for (const [shape, value] of Object.entries(shapes)) {
    for (const n of [0, 1, 2, 12, 13, 49, 50, 51, 100, 1000, 5000]) {
      const values = Array.from({ length: n }, (_, i) => value(i, n));
      const sorted = [...values];
      goSort(sorted, (a, b) => a < b);
      assert.deepEqual(
        sorted,
        [...values].sort((a, b) => a - b),
        `${shape}, ${n}`,
      );
    }
  }
});

test("goSort: an order that contradicts itself ends too", () => {
  let state = 1;
  const items = Array.from({ length: 3000 }, (_, i) => i);
  goSort(items, () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state & 0x10000) !== 0;
  });
  assert.deepEqual(
    [...items].sort((a, b) => a - b),
    Array.from({ length: 3000 }, (_, i) => i),
  );
});
