// Series of a metric whose labels may be left out in part, found without building a key.
import type { AnyLabels } from "./types.ts";

type Level<V> = Map<string | undefined, Level<V> | Entry<V>>;

/** What calls without labels pass, so that their series is found at once. */
export const NO_LABELS: AnyLabels = Object.freeze({});

/** A series: its labels, as they were given first, and what is kept of it. */
export interface Entry<V> {
  readonly labels: Record<string, string | number>;
  readonly kept: V;
}

/** Entries by label values, in the order in which they came. */
export class LabelStore<V> {
  readonly #names: readonly string[];
  readonly #make: (labels: AnyLabels) => V;
  #root: Level<V> = new Map();
  #entries = new Set<Entry<V>>();
  /** The series without labels, once it was asked for. */
  #sole: Entry<V> | undefined;
  /** Changes whenever an entry goes away, so that those who hold one know to look again. */
  generation = 0;

  /** `make` makes what is kept of a new series. */
  constructor(names: readonly string[], make: (labels: AnyLabels) => V) {
    this.#names = names;
    this.#make = make;
  }

  /** Throws for a label that is not among the names. */
  validate(labels: AnyLabels): void {
    for (const name in labels) {
      if (this.#names.includes(name)) continue;
      const known = this.#names.map((known) => `'${known}'`).join(", ");
      throw new Error(
        `Added label "${name}" is not included in initial labelset: ${known === "" ? "[]" : `[ ${known} ]`}`,
      );
    }
  }

  find(labels: AnyLabels): Entry<V> | undefined {
    let next: Level<V> | Entry<V> | undefined = this.#root;
    for (const name of this.#names) {
      next = (next as Level<V>).get(keyOf(labels[name]));
      if (next === undefined) return undefined;
    }
    return this.#names.length === 0 ? (this.#root.get(undefined) as Entry<V> | undefined) : (next as Entry<V>);
  }

  /** The entry of these labels, which are checked and copied when it is new. */
  findOrAdd(labels: AnyLabels): Entry<V> {
    if (labels === NO_LABELS) {
      this.#sole ??= this.#findOrAdd(labels);
      return this.#sole;
    }
    this.validate(labels);
    return this.#findOrAdd(labels);
  }

  #findOrAdd(labels: AnyLabels): Entry<V> {
    const found = this.find(labels);
    if (found !== undefined) return found;
    const copy = { ...labels } as Record<string, string | number>;
    const entry: Entry<V> = { labels: copy, kept: this.#make(copy) };
    let level = this.#root;
    const last = Math.max(0, this.#names.length - 1);
    for (let i = 0; i < last; i++) {
      const key = keyOf(labels[this.#names[i] as string]);
      let next = level.get(key) as Level<V> | undefined;
      if (next === undefined) level.set(key, (next = new Map()));
      level = next;
    }
    level.set(this.#names.length === 0 ? undefined : keyOf(labels[this.#names[last] as string]), entry);
    this.#entries.add(entry);
    return entry;
  }

  remove(labels: AnyLabels): void {
    const entry = this.find(labels);
    if (entry === undefined) return;
    this.#entries.delete(entry);
    this.#sole = undefined;
    this.generation++;
    this.#removePath(this.#root, labels, 0);
  }

  clear(): void {
    this.#root = new Map();
    this.#entries = new Set();
    this.#sole = undefined;
    this.generation++;
  }

  entries(): IterableIterator<Entry<V>> {
    return this.#entries.values();
  }

  #removePath(level: Level<V>, labels: AnyLabels, depth: number): void {
    const name = this.#names[depth];
    const key = name === undefined ? undefined : keyOf(labels[name]);
    const next = level.get(key);
    if (next instanceof Map) {
      this.#removePath(next, labels, depth + 1);
      if (next.size > 0) return;
    }
    level.delete(key);
  }
}

/** Numbers and their texts are one value, as they are one in the exposition. */
function keyOf(value: unknown): string | undefined {
  return typeof value === "string" || value === undefined ? value : String(value);
}

/** Labels of a call, given as an object or one by one. Throws when there are too many or too few of them. */
export function labelsOf(names: readonly string[], values: readonly unknown[]): AnyLabels {
  const first = values[0];
  if (typeof first === "object") return (first ?? {}) as AnyLabels;
  if (names.length !== values.length) {
    throw new Error(
      `Invalid number of arguments (${values.length}): "${values.join(", ")}" for label names ` +
        `(${names.length}): "${names.join(", ")}".`,
    );
  }
  return Object.fromEntries(names.map((name, i) => [name, values[i]]));
}
