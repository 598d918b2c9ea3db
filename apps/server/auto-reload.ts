// Reloading when a configuration file changes: the main file, rule files and files of scrape configurations.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

const MIN_INTERVAL_MS = 1000;

export interface AutoReloadOptions {
  /** How often files are looked at; at least a second. */
  readonly intervalMs: number;
  /** Every file that counts, in a fixed order. */
  files(): readonly string[];
  /** Rejects when the new configuration is refused; then it is tried again at the next look. */
  reload(): Promise<void>;
  /** Told of what keeps the files from being looked at. */
  onError(error: Error): void;
}

/** Looks at names and contents of the files, not at their times: what is written again unchanged reloads nothing. */
export class AutoReload {
  readonly #options: AutoReloadOptions;
  readonly #timer: NodeJS.Timeout;
  #applied: string | undefined;
  #busy = true;

  constructor(options: AutoReloadOptions) {
    this.#options = options;
    void this.#checksum().then((sum) => {
      this.#applied = sum;
      this.#busy = false;
    });
    this.#timer = setInterval(() => void this.look(), Math.max(MIN_INTERVAL_MS, options.intervalMs)).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Looks once. One look at a time. */
  async look(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const sum = await this.#checksum();
      if (sum === undefined || sum === this.#applied) return;
      await this.#options.reload();
      // What was read may be newer than what was summed; then the next look reloads once more.
      this.#applied = sum;
    } catch {
      // The reload has told why. It is tried again at each look, also once the files are as they were before.
      this.#applied = undefined;
    } finally {
      this.#busy = false;
    }
  }

  async #checksum(): Promise<string | undefined> {
    try {
      const hash = createHash("sha256");
      for (const file of this.#options.files()) {
        hash.update(`${file}\0`);
        hash.update(await readFile(file));
      }
      return hash.digest("hex");
    } catch (error) {
      this.#options.onError(error as Error);
      return undefined;
    }
  }
}
