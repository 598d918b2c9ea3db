import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { memoryLimit } from "./memory-limit.ts";
import { type MemoryReading, MemoryWatch } from "./memory-watch.ts";

interface Rig {
  readonly watch: MemoryWatch;
  readonly registry: Registry;
  /** What happened since the last time, at this reading. */
  at(reading: Partial<MemoryReading>, afterMs?: number): string[];
}

function rig(limitBytes = 100): Rig {
  const happened: string[] = [];
  let reading: MemoryReading = { residentBytes: 0, heapShare: 0 };
  let now = 0;
  const registry = new Registry();
  const step = (name: string, share: number) => ({
    name,
    share,
    enter: () => void happened.push(`+${name}`),
    leave: () => void happened.push(`-${name}`),
  });
  const watch = new MemoryWatch({
    limitBytes,
    steps: [
      step("queries", 0.8),
      { ...step("caches", 0.9), repeat: () => void happened.push("again") },
      step("series", 0.95),
    ],
    logger: silentLogger,
    registry,
    read: () => reading,
    now: () => now,
    onChange: (isShedding) => void happened.push(isShedding ? "begins" : "ends"),
  });
  return {
    watch,
    registry,
    at({ residentBytes = 0, heapShare = 0 }, afterMs = 500) {
      reading = { residentBytes, heapShare };
      now += afterMs;
      watch.check();
      return happened.splice(0);
    },
  };
}

test("memory watch: steps are entered in their order and left in the opposite one, each a little below where it began", () => {
  const { at } = rig();
  assert.deepEqual(at({ residentBytes: 79 }), []);
  assert.deepEqual(at({ residentBytes: 80 }), ["+queries", "begins"]);
  assert.deepEqual(at({ residentBytes: 77 }), []);
  assert.deepEqual(at({ residentBytes: 99 }), ["+caches", "+series"]);
  assert.deepEqual(at({ residentBytes: 90 }), ["-series"]);
  assert.deepEqual(at({ residentBytes: 10 }), ["-caches", "-queries", "ends"]);
});

test("memory watch: a full heap counts like full memory, also without a limit", () => {
  const { at } = rig(0);
  assert.deepEqual(at({ residentBytes: 1e12, heapShare: 0.5 }), []);
  assert.deepEqual(at({ heapShare: 0.91 }), ["+queries", "+caches", "begins"]);
});

test("memory watch: while a step lasts, what it gives up is given up again every ten seconds", () => {
  const { at } = rig();
  at({ residentBytes: 92 });
  assert.deepEqual(at({ residentBytes: 92 }, 9_000), []);
  assert.deepEqual(at({ residentBytes: 92 }, 2_000), ["again"]);
  assert.deepEqual(at({ residentBytes: 92 }, 2_000), []);
});

test("memory watch: it tells what is shed", async () => {
  const { at, watch, registry } = rig();
  at({ residentBytes: 85 });
  assert.equal(watch.sheds("queries"), true);
  assert.equal(watch.sheds("caches"), false);
  const { body } = await registry.expose();
  assert.match(body, /narthex_memory_shedding\{load="queries"\} 1\n/);
  assert.match(body, /narthex_memory_shedding\{load="series"\} 0\n/);
});

test("memory limit: the flag, or a share of what the container or the machine has, or none", () => {
  const flags = { limitBytes: 0, automatic: true, ratio: 0.5 };
  assert.equal(memoryLimit({ ...flags, limitBytes: 7 }, 100, 1000), 7);
  assert.equal(memoryLimit(flags, 100, 1000), 50);
  assert.equal(memoryLimit(flags, 0, 1000), 500);
  assert.equal(memoryLimit(flags, 2 ** 63, 1000), 500);
  assert.equal(memoryLimit({ ...flags, automatic: false }, 100, 1000), 0);
});
