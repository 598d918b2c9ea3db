// A target whose bodies are too large is not given as much each time: reading them costs all others.

/** What a body may have on the short leash. */
const SHORT_BYTES = 1 << 20;
/** At the most so many short attempts lie between two whole ones. */
const LONGEST_PAUSE = 32;

/** Of one target. Whole attempts come after 1, 2, 4, 8 … failures in a row, and from then on each 32. */
export class BodyLeash {
  #failures = 0;

  /** Whether the last body was too large. */
  get isTaut(): boolean {
    return this.#failures > 0;
  }

  /** The limit for the next body, of the one that is configured; 0 is none. */
  limit(configuredBytes: number): number {
    const failures = this.#failures;
    const isWhole = failures < LONGEST_PAUSE ? (failures & (failures - 1)) === 0 : failures % LONGEST_PAUSE === 0;
    if (isWhole) return configuredBytes;
    return configuredBytes > 0 ? Math.min(configuredBytes, SHORT_BYTES) : SHORT_BYTES;
  }

  /** Told how each attempt ended. */
  note(wasTooLarge: boolean): void {
    this.#failures = wasTooLarge ? this.#failures + 1 : 0;
  }
}
