// Refs that the log speaks of and the head does not give out: checkpoints must keep the labels behind them.
import type { HeadMemory } from "../memory/layout.ts";
import { recordOf } from "./series-table.ts";

/** As many as the last start found and as series were ended since the log was truncated, at most. */
export class LoggedRefs {
  /** Refs of series that were ended, and their newest times: until those are truncated the log has samples of them. */
  readonly departed: Map<number, number> = new Map();
  readonly #memory: HeadMemory;
  /** Refs that stand for a series with another ref, and its record. */
  readonly #aliases = new Map<number, number>();

  constructor(memory: HeadMemory) {
    this.#memory = memory;
  }

  /** The log has samples of a series under another ref as well. */
  keepAlias(ref: number, record: number): void {
    this.#aliases.set(ref, record);
  }

  /** Refs that stand for series with another ref. */
  get aliases(): number[] {
    return [...this.#aliases.keys()];
  }

  /** The series behind one of `aliases`; 0 for none. */
  aliasedRecord(ref: number): number {
    return this.#aliases.get(ref) ?? 0;
  }

  /** Refs whose series the head has under another ref or no more. */
  get others(): number[] {
    return [...this.#aliases.keys(), ...this.departed.keys()];
  }

  /** Whether a checkpoint must keep the labels of a ref. */
  isNeeded(ref: number): boolean {
    return recordOf(this.#memory, ref) !== 0 || this.#aliases.has(ref) || this.departed.has(ref);
  }

  /** Forgets aliases of series that are gone. */
  dropAliases(isLive: (record: number) => boolean): void {
    for (const [ref, record] of this.#aliases) if (!isLive(record)) this.#aliases.delete(ref);
  }

  /** Forgets departed series whose newest sample is before `minTime`. */
  dropDeparted(minTime: number): void {
    for (const [ref, last] of this.departed) if (last < minTime) this.departed.delete(ref);
  }
}
