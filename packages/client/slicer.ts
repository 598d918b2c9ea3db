// Long work in short slices, so that an event loop never waits for an exposition.

/** How long a slice may take before others have their turn. Well below the 5 ms that are promised, for collections of garbage and the like. */
const SLICE_MS = 1;

/** Tells when a slice is over, and begins the next. */
export class Slicer {
  #start = performance.now();

  isOver(): boolean {
    return performance.now() - this.#start >= SLICE_MS;
  }

  /** Resolves after others had their turn. */
  async pause(): Promise<void> {
    await turn();
    this.#start = performance.now();
  }
}

// Taken when the library is loaded, since tests of applications replace timers by ones that stand still.
const { setImmediate: immediate, setTimeout: timeout } = globalThis as {
  setImmediate?: (callback: () => void) => void;
  setTimeout: (callback: () => void, delayMs: number) => void;
};

/** Resolves in a later turn of the event loop, as soon as there is one. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (immediate === undefined) timeout(() => resolve(), 0);
    else immediate(() => resolve());
  });
}
