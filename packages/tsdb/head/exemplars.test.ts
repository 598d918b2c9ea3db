import assert from "node:assert/strict";
import { test } from "node:test";
import { type Exemplar, Labels } from "@narthex/model";
import { Append } from "@narthex/storage";
import { ExemplarRing } from "./exemplars.ts";

const seriesLabels = (ref: number): Labels => Labels.fromObject({ __name__: "m", i: String(ref).padStart(3, "0") });
const all = (): boolean => true;

function exemplar(t: number, value = t, id = "a"): Exemplar {
  return { labels: Labels.fromObject({ trace_id: id }), value, t };
}

function add(ring: ExemplarRing, ref: number, one: Exemplar): Append {
  return ring.add(ref, () => seriesLabels(ref), one);
}

test("exemplars: only newer ones of a series are taken; of one time, those of higher values or other labels", () => {
  const ring = new ExemplarRing(10);
  assert.equal(add(ring, 1, exemplar(1000, 5)), Append.ok);
  assert.equal(add(ring, 1, exemplar(1000, 5)), Append.duplicate);
  assert.equal(add(ring, 1, exemplar(999, 9)), Append.outOfOrder);
  assert.equal(add(ring, 1, exemplar(1000, 4)), Append.outOfOrder);
  assert.equal(add(ring, 1, exemplar(1000, 6)), Append.ok);
  assert.equal(add(ring, 1, exemplar(1000, 6, "b")), Append.ok);
  assert.equal(add(ring, 2, exemplar(1, 1)), Append.ok);
  assert.deepEqual([ring.appended, ring.outOfOrder, ring.count, ring.seriesCount], [4, 2, 4, 2]);
  assert.equal(ring.oldestTime, 1000);
});

test("exemplars: labels of 128 characters are taken, of 129 refused; so is everything when none are kept", () => {
  const ring = new ExemplarRing(2);
  assert.equal(add(ring, 1, exemplar(1, 1, "é".repeat(120))), Append.ok);
  assert.equal(add(ring, 1, exemplar(2, 1, "🔥".repeat(120))), Append.ok);
  assert.equal(add(ring, 1, exemplar(3, 1, "x".repeat(121))), Append.unsupported);
  assert.equal(add(ring, 1, exemplar(3, 1, "x".repeat(100_000))), Append.unsupported);
  assert.equal(add(ring, 1, exemplar(2.5)), Append.unsupported);
  assert.equal(add(new ExemplarRing(0), 1, exemplar(1)), Append.unsupported);
  assert.deepEqual(new ExemplarRing(0).select(-Infinity, Infinity, all), []);
});

test("exemplars: a series known by two refs is one", () => {
  const ring = new ExemplarRing(10);
  const labels = seriesLabels(1);
  ring.add(1, () => labels, exemplar(1));
  ring.add(1, () => labels, exemplar(2));
  ring.add(9, () => seriesLabels(1), exemplar(3));
  const found = ring.select(2, 3, all);
  assert.deepEqual(
    found.map(({ exemplars }) => exemplars.map(({ t }) => t)),
    [[2, 3]],
  );
});

test("exemplars: whatever comes and however the ring is resized, the newest are kept, by series and time", () => {
  for (let seed = 1; seed <= 20; seed++) {
    let state = seed;
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    let capacity = 1 + Math.floor(next() * 30);
    const ring = new ExemplarRing(capacity);
    let kept: { ref: number; exemplar: Exemplar }[] = [];
    for (let step = 0; step < 2000; step++) {
      if (next() < 0.01) {
        capacity = Math.floor(next() * 40);
        ring.resize(capacity);
        kept = capacity === 0 ? [] : kept.slice(-capacity);
      }
      const ref = 1 + Math.floor(next() * 8);
      const one = exemplar(step - Math.floor(next() * 3), Math.floor(next() * 3));
      if (add(ring, ref, one) === Append.ok) kept.push({ ref, exemplar: one });
      if (kept.length > capacity) kept.shift();
      if (step % 50 !== 0) continue;
      const [from, to] = [step - 30, step - 1];
      const expected = [...new Set(kept.map((entry) => entry.ref))]
        .sort((a, b) => a - b)
        .filter((one) => one % 2 === 1)
        .map((one) => ({
          labels: seriesLabels(one).toObject(),
          exemplars: kept.filter((entry) => entry.ref === one).map((entry) => entry.exemplar),
        }))
        .map(({ labels, exemplars }) => ({ labels, exemplars: exemplars.filter(({ t }) => t >= from && t <= to) }))
        .filter(({ exemplars }) => exemplars.length > 0);
      const found = ring.select(from, to, (labels) => Number(labels.get("i")) % 2 === 1);
      assert.deepEqual(
        found.map(({ labels, exemplars }) => ({ labels: labels.toObject(), exemplars })),
        expected,
        `seed ${seed}, step ${step}`,
      );
      assert.equal(ring.count, kept.length);
      assert.equal(ring.seriesCount, new Set(kept.map((entry) => entry.ref)).size);
      assert.equal(ring.oldestTime, kept[0]?.exemplar.t ?? 0);
    }
  }
});
