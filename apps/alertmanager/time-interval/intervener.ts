// The named intervals of a configuration, asked for the names that hold at a moment.
import { containsTime, type TimeInterval } from "./interval.ts";

export class Intervener {
  readonly #intervals: ReadonlyMap<string, readonly TimeInterval[]>;

  constructor(intervals: ReadonlyMap<string, readonly TimeInterval[]>) {
    this.#intervals = intervals;
  }

  /** Of the given names, those whose interval contains the moment, once for each part that does. */
  containing(names: readonly string[], ms: number): string[] {
    return names.flatMap((name) => {
      const parts = this.#intervals.get(name);
      if (parts === undefined) throw new Error(`time interval ${name} doesn't exist in config`);
      return parts.filter((part) => containsTime(part, ms)).map(() => name);
    });
  }
}
