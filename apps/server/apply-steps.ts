// Putting a configuration in force, part by part: one that fails keeps none of the others from it.
import { goDuration, type Logger } from "@narthex/toolkit";

/** Runs the parts in the order in which they are given, and notes how long each took. */
export class ApplySteps {
  readonly #logger: Logger;
  readonly #durations: Record<string, string> = {};
  #failures = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Whether a part has failed; the log has told which and why. */
  get failed(): boolean {
    return this.#failures > 0;
  }

  /** Go durations by part, for the line that ends a reload. */
  get durations(): Readonly<Record<string, string>> {
    return this.#durations;
  }

  /** Never rejects. */
  async run(name: string, apply: () => void | Promise<void>): Promise<void> {
    const started = performance.now();
    try {
      await apply();
    } catch (error) {
      this.#failures++;
      this.#logger.error("Failed to apply configuration", { part: name, err: (error as Error).message });
    }
    this.#durations[name] = goDuration(performance.now() - started);
  }
}

/** A configuration that was read but is in force only in part: the log has told why. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";

  constructor() {
    super("parts of the configuration could not be applied");
  }
}
