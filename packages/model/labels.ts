// Label sets: what names a series.
import { isValidLabelName } from "./name.ts";
import { quote } from "./quote.ts";

/** The label that holds a series' metric name. */
export const METRIC_NAME = "__name__";

/**
 * An immutable label set, sorted by name in UTF-8 byte order, names unique, no empty value.
 *
 * `pairs` lies flat: name, value, name, value. Whoever passes an array in hands it over for good.
 */
export class Labels {
  // `this`, as the compiler's alias of the class is not set yet where its static fields are.
  static readonly empty: Labels = new this([]);

  readonly pairs: readonly string[];
  /** A place for whoever writes label sets again and again: how often it was written, and what was written. */
  rendered: number | string | undefined;
  #key: string | undefined;
  /** The last answer of `without`, for series that are asked for again and again. */
  #dropped: ReadonlySet<string> | undefined;
  #rest: Labels | undefined;

  /** Takes pairs that already are sorted, unique and without empty values; see `fromUnsorted` for others. */
  constructor(pairs: readonly string[]) {
    this.pairs = pairs;
    this.rendered = undefined;
  }

  /** Sorts, drops empty values, and lets the last of several equal names win. */
  static fromUnsorted(entries: Iterable<readonly [string, string]>): Labels {
    const byName = new Map(entries);
    const names = [...byName.keys()].sort(compareStrings);
    const pairs: string[] = [];
    for (const name of names) {
      const value = byName.get(name) as string;
      if (value !== "") pairs.push(name, value);
    }
    return pairs.length === 0 ? Labels.empty : new Labels(pairs);
  }

  static fromObject(object: Readonly<Record<string, string>>): Labels {
    return Labels.fromUnsorted(Object.entries(object));
  }

  /** How many labels there are. */
  get size(): number {
    return this.pairs.length >>> 1;
  }

  /** The value of `name`, or "" when the label is absent: the data model knows no difference. */
  get(name: string): string {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1] as string;
    return "";
  }

  has(name: string): boolean {
    const { pairs } = this;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return true;
    return false;
  }

  /**
   * This set without the labels of the given names, which must not change afterwards. Returns itself when none of them is
   * there.
   */
  without(names: ReadonlySet<string>): Labels {
    if (this.#dropped === names && this.#rest !== undefined) return this.#rest;
    const rest = this.#filter((name) => !names.has(name));
    this.#dropped = names;
    this.#rest = rest;
    return rest;
  }

  /** This set reduced to the labels of the given names. */
  keep(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => names.has(name));
  }

  /** This set with one label set, replaced, or (for "") removed. */
  with(name: string, value: string): Labels {
    if (this.get(name) === value) return this;
    const pairs: string[] = [];
    let placed = value === "";
    for (let i = 0; i < this.pairs.length; i += 2) {
      const current = this.pairs[i] as string;
      if (!placed && compareStrings(name, current) <= 0) {
        pairs.push(name, value);
        placed = true;
      }
      if (current !== name) pairs.push(current, this.pairs[i + 1] as string);
    }
    if (!placed) pairs.push(name, value);
    return new Labels(pairs);
  }

  /** A string that is equal for equal sets and for no others; made once and kept. Not meant for people. */
  get key(): string {
    this.#key ??= this.pairs.join("\xff\x00");
    return this.#key;
  }

  equals(other: Labels): boolean {
    const { pairs } = this;
    if (this === other) return true;
    if (pairs.length !== other.pairs.length) return false;
    for (let i = 0; i < pairs.length; i++) if (pairs[i] !== other.pairs[i]) return false;
    return true;
  }

  /** The order in which series stand in results and blocks: label by label, name before value. */
  static compare(a: Labels, b: Labels): number {
    const shared = Math.min(a.pairs.length, b.pairs.length);
    for (let i = 0; i < shared; i++) {
      const order = compareStrings(a.pairs[i] as string, b.pairs[i] as string);
      if (order !== 0) return order;
    }
    return a.pairs.length - b.pairs.length;
  }

  toObject(): Record<string, string> {
    const object: Record<string, string> = {};
    for (let i = 0; i < this.pairs.length; i += 2) {
      // A label may be called `__proto__`, which plain assignment would swallow.
      Object.defineProperty(object, this.pairs[i] as string, {
        value: this.pairs[i + 1],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object;
  }

  /** As the reference prints label sets: `{__name__="up", job="a"}`; names are quoted where the classic rules ask for it. */
  toString(): string {
    return `{${formatPairs(this.pairs, "")}}`;
  }

  /** As a selector is written: `up{job="a"}`, `up`, `{job="a"}`, `{}`. */
  toSelector(): string {
    const name = this.get(METRIC_NAME);
    const rest = formatPairs(this.pairs, METRIC_NAME);
    return rest === "" && name !== "" ? name : `${name}{${rest}}`;
  }

  *[Symbol.iterator](): Generator<[string, string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i] as string, this.pairs[i + 1] as string];
  }

  #filter(keeps: (name: string) => boolean): Labels {
    const { pairs } = this;
    const kept: string[] = [];
    for (let i = 0; i < pairs.length; i += 2) {
      if (keeps(pairs[i] as string)) kept.push(pairs[i] as string, pairs[i + 1] as string);
    }
    if (kept.length === pairs.length) return this;
    return kept.length === 0 ? Labels.empty : new Labels(kept);
  }
}

function formatPairs(pairs: readonly string[], without: string): string {
  let text = "";
  for (let i = 0; i < pairs.length; i += 2) {
    const name = pairs[i] as string;
    if (name === without) continue;
    if (text !== "") text += ", ";
    text += `${isValidLabelName(name, "legacy") ? name : quote(name)}=${quote(pairs[i + 1] as string)}`;
  }
  return text;
}

/**
 * Compares as UTF-8 bytes would compare. JavaScript's own order differs only where surrogates meet
 * code units above them (U+E000 to U+FFFF), so that case alone is decided by code point.
 */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left === right) continue;
    const leftIsSurrogate = left >= 0xd800 && left <= 0xdfff;
    const rightIsSurrogate = right >= 0xd800 && right <= 0xdfff;
    return leftIsSurrogate === rightIsSurrogate ? left - right : leftIsSurrogate ? 1 : -1;
  }
  return a.length - b.length;
}
