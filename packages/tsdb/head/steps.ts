// Long work on the head in short steps, so that scrapes go on in between.

/** Work that may be interrupted at each `yield`, which yields whether it was. */
export type Steps<T> = Generator<void, T, boolean>;

/** Does all steps without a pause. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next(false);
    if (step.done) return step.value;
  }
}

/**
 * Does the steps in slices of about `sliceMs`, between which the event loop gets its turn. Undefined when `isCancelled` says
 * so after a pause: then the work stays half done.
 */
export async function inSlices<T>(
  steps: Steps<T>,
  sliceMs: number,
  isCancelled: () => boolean,
): Promise<{ readonly value: T } | undefined> {
  let until = performance.now() + sliceMs;
  let wasPaused = false;
  for (;;) {
    const step = steps.next(wasPaused);
    if (step.done) return { value: step.value };
    wasPaused = performance.now() >= until;
    if (!wasPaused) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (isCancelled()) return undefined;
    until = performance.now() + sliceMs;
  }
}
