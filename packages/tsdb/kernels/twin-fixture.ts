// Two heads for tests that hold kernels against what they stand for.
import assert from "node:assert/strict";
import { Head } from "../head/head.ts";
import { Control, type HeadMemory } from "../memory/layout.ts";
import type { Kernels } from "./kernels.ts";

export const RANGE = 7_200_000;
const MEMORY = 2 ** 29;

/** A head with kernels and one without. */
export function twins(): { fast: Head; slow: Head; kernels: Kernels } {
  const fast = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const slow = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY, useKernels: false });
  return { fast, slow, kernels: fast.kernels as Kernels };
}

/** Everything that series and samples are made of, up to `words` of each region. */
export function assertSameMemory(fast: HeadMemory, slow: HeadMemory, words = 200_000): void {
  const parts = ["names", "pairs", "series", "cold", "refs", "slots", "finished", "arena"] as const;
  for (const part of parts) assert.deepEqual(fast[part].slice(0, words), slow[part].slice(0, words), part);
  // Behind the counter of windows, of which kernels need others.
  const [, ...control] = fast.control.slice(0, Control.snapshots);
  assert.deepEqual(control, [...slow.control.slice(1, Control.snapshots)]);
  assert.deepEqual(fast.arenaState.slice(), slow.arenaState.slice());
}
