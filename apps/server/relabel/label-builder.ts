// A label set under change: what relabeling works on.
import { compareStrings, Labels } from "@narthex/model";

/**
 * Collects changes to a base set. Reading sees them at once; the base stays as it was.
 *
 * Order matters to `labelmap`, where the last writer wins: the untouched labels of the base come first, by name, then
 * the changed ones, oldest change first.
 */
export class LabelBuilder {
  #base: Labels = Labels.empty;
  readonly #changed = new Map<string, string>();
  readonly #deleted = new Set<string>();

  constructor(base: Labels = Labels.empty) {
    this.#base = base;
  }

  /** Forgets all changes and starts over from `base`. */
  reset(base: Labels): void {
    this.#base = base;
    this.#changed.clear();
    this.#deleted.clear();
  }

  /** The value of `name`, "" when absent. */
  get(name: string): string {
    const changed = this.#changed.get(name);
    if (changed !== undefined) return changed;
    return this.#deleted.has(name) ? "" : this.#base.get(name);
  }

  /** Sets a label; an empty value removes it. */
  set(name: string, value: string): void {
    if (value === "") this.delete(name);
    else this.#changed.set(name, value);
  }

  delete(name: string): void {
    this.#changed.delete(name);
    this.#deleted.add(name);
  }

  /** The labels as they are now; changes made while walking over the result do not show in it. */
  entries(): [string, string][] {
    const entries: [string, string][] = [];
    for (const [name, value] of this.#base) {
      if (!this.#deleted.has(name) && !this.#changed.has(name)) entries.push([name, value]);
    }
    for (const [name, value] of this.#changed) entries.push([name, value]);
    return entries;
  }

  /** The finished set; the base itself when nothing was changed. */
  labels(): Labels {
    if (this.#changed.size === 0 && this.#deleted.size === 0) return this.#base;
    // The base is sorted already: only what changed is sorted, then both are merged.
    const changed = [...this.#changed].sort((a, b) => compareStrings(a[0], b[0]));
    const pairs: string[] = [];
    let next = 0;
    const { pairs: base } = this.#base;
    for (let i = 0; i < base.length; i += 2) {
      const name = base[i] as string;
      if (this.#deleted.has(name) || this.#changed.has(name)) continue;
      for (; next < changed.length && compareStrings((changed[next] as [string, string])[0], name) < 0; next++) {
        pairs.push(...(changed[next] as [string, string]));
      }
      pairs.push(name, base[i + 1] as string);
    }
    for (; next < changed.length; next++) pairs.push(...(changed[next] as [string, string]));
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }
}
