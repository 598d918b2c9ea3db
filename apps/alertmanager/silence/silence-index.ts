// Finding the silences that may fit an alert without trying them all: most of them ask for some label to have one value.
import type { Labels } from "@narthex/model";
import { type Silence, silenceMatches } from "./silence.ts";

interface Entry {
  readonly silence: Silence;
  /** The order in which silences were added. */
  readonly sequence: number;
}

export class SilenceIndex {
  /** By `name\0value` of an equality that the silence asks for. */
  readonly #byPair = new Map<string, Map<string, Entry>>();
  /** Those that ask for none. */
  readonly #others = new Map<string, Entry>();
  #sequence = 0;
  /** How many silences have been tried so far. */
  tried = 0;

  add(silence: Silence): void {
    const entry = { silence, sequence: ++this.#sequence };
    for (const key of keysOf(silence)) {
      if (key === undefined) {
        this.#others.set(silence.id, entry);
        continue;
      }
      let entries = this.#byPair.get(key);
      if (entries === undefined) this.#byPair.set(key, (entries = new Map()));
      entries.set(silence.id, entry);
    }
  }

  remove(silence: Silence): void {
    for (const key of keysOf(silence)) {
      if (key === undefined) {
        this.#others.delete(silence.id);
        continue;
      }
      const entries = this.#byPair.get(key);
      entries?.delete(silence.id);
      if (entries?.size === 0) this.#byPair.delete(key);
    }
  }

  /** Ids of the silences whose matchers fit, in the order in which they were added. */
  fitting(labels: Labels): string[] {
    const found = new Map<string, number>();
    const test = ({ silence, sequence }: Entry): void => {
      this.tried++;
      if (silenceMatches(silence, labels)) found.set(silence.id, sequence);
    };
    const { pairs } = labels;
    for (let i = 0; i < pairs.length; i += 2)
      for (const entry of this.#byPair.get(`${pairs[i]}\u0000${pairs[i + 1]}`)?.values() ?? []) test(entry);
    for (const entry of this.#others.values()) test(entry);
    return [...found].sort(([, a], [, b]) => a - b).map(([id]) => id);
  }
}

/** One key for each set of matchers; undefined where there is no equality with a value in it. */
function keysOf({ matcherSets }: Silence): Set<string | undefined> {
  return new Set(
    matcherSets.map((matchers) => {
      const equal = matchers.find(({ type, value }) => type === "=" && value !== "");
      return equal === undefined ? undefined : `${equal.name}\u0000${equal.value}`;
    }),
  );
}
