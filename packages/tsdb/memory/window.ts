// Consistency between the single writer and readers in other threads: one sequence counter for the whole head.
//
// The writer opens a window around everything that readers copy (series records, postings headers, table addresses).
// A reader copies what it needs between two looks at the counter and tries again when it moved. Windows are short (a few
// hundred samples), so the cost for the writer is two atomic stores per window, none per sample.
import { Control } from "./layout.ts";

/** Opens a window: readers that copy meanwhile will try again. */
export function openWindow(control: Int32Array): void {
  Atomics.store(control, Control.sequence, control[Control.sequence] + 1);
  // On machines with weaker ordering a plain store could otherwise move before the one above.
  Atomics.load(control, Control.sequence);
}

/** Closes it: what was written inside is what readers copy from now on. */
export function closeWindow(control: Int32Array): void {
  Atomics.store(control, Control.sequence, control[Control.sequence] + 1);
}

/** The counter at the start of a copy; spins while a window is open. */
export function beginCopy(control: Int32Array): number {
  for (;;) {
    const sequence = Atomics.load(control, Control.sequence);
    if ((sequence & 1) === 0) return sequence;
  }
}

/** Whether nothing was written since `beginCopy`; if not, what was copied must be thrown away. */
export function copyHolds(control: Int32Array, sequence: number): boolean {
  // An addition of nothing orders the copies before it on every machine, which a load would not.
  return Atomics.add(control, Control.sequence, 0) === sequence;
}
