// Random calls on labelled metrics, beside a map that keeps the same: whatever labels look like and in whatever order series come and go,
// both show the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, type CounterChild, parseLabels, Registry } from "./index.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 60);

function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ["b", "a", "constructor", "z_9"];
const VALUES = ["", "x", "y", '"', "\\", "\n", ",", '",a="x', "é😀", "__proto__", "0", "1e3", "}", " "];

test(`fuzz: metrics hold what was counted, by label values (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const labelNames = NAMES.slice(0, 1 + random(NAMES.length));
    const registry = new Registry();
    const counter = new Counter({ name: "c_total", help: "h", labelNames, registers: [registry] });
    const expected = new Map<string, number>();
    const held: { readonly key: string; readonly child: CounterChild }[] = [];
    const key = (values: readonly string[]): string =>
      JSON.stringify(labelNames.map((name, i) => [name, values[i]]).sort());
    for (let step = 0; step < 400; step++) {
      const values = labelNames.map(
        () => (VALUES[random(VALUES.length)] as string) + (random(4) === 0 ? random(40) : ""),
      );
      const record = Object.fromEntries(labelNames.map((name, i) => [name, values[i]]).sort(() => random(3) - 1));
      const at = key(values);
      const add = (amount: number): void => void expected.set(at, (expected.get(at) ?? 0) + amount);
      switch (random(8)) {
        case 0:
          assert.equal(counter.remove(record as never), expected.delete(at));
          break;
        case 1: {
          const part = { [labelNames[0] as string]: values[0] };
          const pair = JSON.stringify([labelNames[0], values[0]]);
          const gone = [...expected.keys()].filter((found) => found.includes(pair));
          assert.equal(counter.removeByLabels(part as never), gone.length);
          for (const found of gone) expected.delete(found);
          break;
        }
        case 2: {
          const child = counter.labels(record as never);
          held.push({ key: at, child });
          add(0);
          break;
        }
        case 3: {
          const one = held[random(held.length + 1)];
          // A child counts as long as it is the series' own.
          if (one !== undefined && expected.has(one.key)) {
            const isOwn = counter.labels(Object.fromEntries(JSON.parse(one.key)) as never) === one.child;
            one.child.inc(3);
            if (isOwn) expected.set(one.key, (expected.get(one.key) as number) + 3);
          }
          break;
        }
        case 4:
          if (random(100) === 0) {
            counter.reset();
            expected.clear();
          }
          break;
        case 5:
          counter.labels(...(values as never[])).inc(2);
          add(2);
          break;
        default:
          counter.inc(record as never, 1);
          add(1);
      }
    }
    const shown = new Map<string, number>();
    for (const line of (await registry.metrics()).split("\n")) {
      if (!line.startsWith("c_total{")) continue;
      const end = line.lastIndexOf("} ");
      const pairs = parseLabels(line.slice("c_total{".length, end));
      const labels = labelNames.map((name) => [
        name,
        pairs[pairs.findIndex((text, i) => i % 2 === 0 && text === name) + 1],
      ]);
      shown.set(JSON.stringify(labels.sort()), Number(line.slice(end + 2)));
    }
    assert.deepEqual([...shown].sort(), [...expected].sort(), `round ${round}`);
    assert.equal(counter.size, expected.size);
    assert.equal(registry.seriesCount, expected.size);
  }
});
