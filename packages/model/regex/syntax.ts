// The part of RE2's syntax that needs no RE2: read into a tree from which matchers without an engine are made.
// What is read here must already have been accepted by the engine, so this parser never reports errors; whatever it
// does not know makes it give up.

/** A set of code points as flat, sorted, disjoint, inclusive ranges: from, to, from, to. */
export type RuneSet = readonly number[];

/** One node of a pattern. Greediness is kept for captures; it plays no part in whether a text matches. */
export type RegexNode =
  | { readonly kind: "runes"; readonly set: RuneSet }
  | { readonly kind: "concat"; readonly parts: readonly RegexNode[] }
  | { readonly kind: "alternate"; readonly parts: readonly RegexNode[] }
  | {
      readonly kind: "repeat";
      readonly body: RegexNode;
      readonly min: number;
      readonly max: number;
      readonly lazy: boolean;
    }
  | { readonly kind: "capture"; readonly body: RegexNode; readonly index: number };

/** Matches nothing but the empty text. */
export const EMPTY: RegexNode = { kind: "concat", parts: [] };

const MAX_RUNE = 0x10ffff;
export const ANY: RuneSet = [0, MAX_RUNE];
const NOT_NEWLINE: RuneSet = [0, 9, 11, MAX_RUNE];
const DIGIT: RuneSet = [0x30, 0x39];
const WORD: RuneSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const SPACE: RuneSet = [9, 10, 12, 13, 32, 32];
const PERL_CLASSES: Readonly<Record<string, RuneSet>> = { d: DIGIT, w: WORD, s: SPACE };
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 };

/** Longer patterns are left to the engine (plain alternations of literals are found before this parser is asked). */
const MAX_SOURCE_CHARS = 8192;

/**
 * Reads a pattern under the flags that matchers use (Perl syntax, dot matches newline), fully anchored. Undefined when
 * it uses anything beyond: Unicode and POSIX classes, word boundaries, anchors inside, other flags than `i` and `s`.
 */
export function parseRegex(source: string): RegexNode | undefined {
  if (source.length > MAX_SOURCE_CHARS) return undefined;
  try {
    return new Parser(source).parse();
  } catch (error) {
    if (error instanceof Unsupported || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Sorts ranges and joins those that touch. */
export function normalize(ranges: readonly number[]): RuneSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i] as number, ranges[i + 1] as number]);
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [from, to] of pairs) {
    const last = out.length - 1;
    if (last > 0 && from <= (out[last] as number) + 1) out[last] = Math.max(out[last] as number, to);
    else out.push(from, to);
  }
  return out;
}

/** All code points that are not in the set. */
export function invert(set: RuneSet): RuneSet {
  const out: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if ((set[i] as number) > next) out.push(next, (set[i] as number) - 1);
    next = (set[i + 1] as number) + 1;
  }
  if (next <= MAX_RUNE) out.push(next, MAX_RUNE);
  return out;
}

/** Whether two sets have a code point in common. */
export function intersects(a: RuneSet, b: RuneSet): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if ((a[i + 1] as number) < (b[j] as number)) i += 2;
    else if ((b[j + 1] as number) < (a[i] as number)) j += 2;
    else return true;
  }
  return false;
}

class Unsupported extends Error {}

interface Flags {
  readonly fold: boolean;
  readonly dotAll: boolean;
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #captures = 0;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): RegexNode {
    const node = this.#alternation({ fold: false, dotAll: true });
    if (this.#at < this.#source.length) throw new Unsupported();
    return node;
  }

  #alternation(outer: Flags): RegexNode {
    let flags = outer;
    const branches: RegexNode[] = [];
    let parts: RegexNode[] = [];
    for (;;) {
      const character = this.#source[this.#at];
      if (character === undefined || character === ")") break;
      if (character === "|") {
        this.#at++;
        branches.push(concat(parts));
        parts = [];
        continue;
      }
      const changed = this.#flagGroup(flags);
      if (changed !== undefined) {
        flags = changed;
        continue;
      }
      const atom = this.#atom(flags, parts.length === 0);
      parts.push(this.#quantified(atom));
    }
    if (branches.length === 0) return concat(parts);
    branches.push(concat(parts));
    return { kind: "alternate", parts: branches };
  }

  /** `(?i)`, `(?s-i)`: flags for the rest of the group. */
  #flagGroup(flags: Flags): Flags | undefined {
    const match = /^\(\?([a-zA-Z-]+)\)/.exec(this.#source.slice(this.#at, this.#at + 16));
    if (match === null) return undefined;
    this.#at += match[0].length;
    return applyFlags(flags, match[1] as string);
  }

  #atom(flags: Flags, first: boolean): RegexNode {
    const source = this.#source;
    const character = source[this.#at] as string;
    switch (character) {
      case "(":
        return this.#group(flags);
      case "[":
        return this.#characterClass(flags);
      case ".":
        this.#at++;
        return { kind: "runes", set: flags.dotAll ? ANY : NOT_NEWLINE };
      case "^":
        // Where matching begins anyway, an anchor changes nothing.
        if (this.#depth > 0 || !first) throw new Unsupported();
        this.#at++;
        return this.#unquantified(EMPTY);
      case "$": {
        const next = source[this.#at + 1];
        if (this.#depth > 0 || (next !== undefined && next !== "|")) throw new Unsupported();
        this.#at++;
        return EMPTY;
      }
      case "\\":
        return this.#escape(flags);
      case "*":
      case "+":
      case "?":
        throw new Unsupported();
      default: {
        const code = source.codePointAt(this.#at) as number;
        this.#at += code > 0xffff ? 2 : 1;
        return { kind: "runes", set: foldRune(code, flags) };
      }
    }
  }

  #unquantified(node: RegexNode): RegexNode {
    if (/[*+?{]/.test(this.#source[this.#at] ?? "")) throw new Unsupported();
    return node;
  }

  #group(flags: Flags): RegexNode {
    const head = /^\((?:\?(?:P?<\w+>|([a-zA-Z-]*):))?/.exec(
      this.#source.slice(this.#at, this.#at + 256),
    ) as RegExpExecArray;
    if (head[0] === "(" && this.#source[this.#at + 1] === "?") throw new Unsupported();
    this.#at += head[0].length;
    const inner = head[1] === undefined ? flags : applyFlags(flags, head[1]);
    const index = head[1] === undefined ? ++this.#captures : 0;
    this.#depth++;
    const body = this.#alternation(inner);
    this.#depth--;
    if (this.#source[this.#at] !== ")") throw new Unsupported();
    this.#at++;
    return index === 0 ? body : { kind: "capture", body, index };
  }

  #escape(flags: Flags): RegexNode {
    const perl = this.#perlClass(flags);
    if (perl !== undefined) return { kind: "runes", set: perl };
    return { kind: "runes", set: foldRune(this.#escapedRune(), flags) };
  }

  /** `\\d` and its like, the negated ones in capitals; other cases of letters belong to them before they are negated. */
  #perlClass(flags: Flags): RuneSet | undefined {
    if (this.#source[this.#at] !== "\\") return undefined;
    const letter = this.#source[this.#at + 1] ?? "";
    const set = PERL_CLASSES[letter.toLowerCase()];
    if (set === undefined) return undefined;
    this.#at += 2;
    const folded = flags.fold ? foldSet(set) : set;
    return letter === letter.toLowerCase() ? folded : invert(folded);
  }

  /** An escape that stands for one code point. */
  #escapedRune(): number {
    const character = this.#source[this.#at + 1] ?? "";
    const control = CONTROL_ESCAPES[character];
    if (control !== undefined) {
      this.#at += 2;
      return control;
    }
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(this.#source.slice(this.#at, this.#at + 4));
    if (hex !== null) {
      this.#at += 4;
      return Number.parseInt(hex[1] as string, 16);
    }
    if (!/^[!-/:-@[-`{-~]$/.test(character)) throw new Unsupported();
    this.#at += 2;
    return character.charCodeAt(0);
  }

  #characterClass(flags: Flags): RegexNode {
    const source = this.#source;
    this.#at++;
    const negated = source[this.#at] === "^";
    if (negated) this.#at++;
    const ranges: number[] = [];
    let first = true;
    for (;;) {
      const character = source[this.#at];
      if (character === undefined) throw new Unsupported();
      if (character === "]" && !first) break;
      first = false;
      if (character === "[" && source[this.#at + 1] === ":") throw new Unsupported();
      const perl = this.#perlClass(flags);
      if (perl !== undefined) {
        ranges.push(...perl);
        continue;
      }
      const from = this.#classRune();
      let to = from;
      if (source[this.#at] === "-" && source[this.#at + 1] !== "]" && source[this.#at + 1] !== undefined) {
        this.#at++;
        to = this.#classRune();
      }
      ranges.push(...(flags.fold ? foldSet([from, to]) : [from, to]));
    }
    this.#at++;
    const set = normalize(ranges);
    return { kind: "runes", set: negated ? invert(set) : set };
  }

  #classRune(): number {
    if (this.#source[this.#at] === "\\") return this.#escapedRune();
    const code = this.#source.codePointAt(this.#at) as number;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #quantified(atom: RegexNode): RegexNode {
    const character = this.#source[this.#at];
    let min: number;
    let max: number;
    if (character === "*") [min, max] = [0, Infinity];
    else if (character === "+") [min, max] = [1, Infinity];
    else if (character === "?") [min, max] = [0, 1];
    else if (character === "{") {
      const match = /^\{([0-9]+)(?:(,)([0-9]*))?\}/.exec(this.#source.slice(this.#at, this.#at + 16));
      // Not a repetition, so the brace stands for itself and is the next atom.
      if (match === null) return atom;
      min = Number(match[1]);
      max = match[2] === undefined ? min : match[3] === "" ? Infinity : Number(match[3]);
      this.#at += match[0].length - 1;
    } else return atom;
    this.#at++;
    let lazy = false;
    if (this.#source[this.#at] === "?") {
      lazy = true;
      this.#at++;
    }
    return { kind: "repeat", body: atom, min, max, lazy };
  }
}

function concat(parts: readonly RegexNode[]): RegexNode {
  return parts.length === 1 ? (parts[0] as RegexNode) : { kind: "concat", parts };
}

function applyFlags(flags: Flags, text: string): Flags {
  let { fold, dotAll } = flags;
  let on = true;
  for (const letter of text) {
    if (letter === "-") on = false;
    else if (letter === "i") fold = on;
    else if (letter === "s") dotAll = on;
    else throw new Unsupported();
  }
  return { fold, dotAll };
}

function foldRune(code: number, flags: Flags): RuneSet {
  return flags.fold ? foldSet([code, code]) : [code, code];
}

/** Adds the other cases of ASCII letters. Cases beyond ASCII are the engine's. */
function foldSet(set: RuneSet): RuneSet {
  const ranges: number[] = [...set];
  for (let i = 0; i < set.length; i += 2) {
    const from = set[i] as number;
    const to = set[i + 1] as number;
    if (to > 0x7f) throw new Unsupported();
    for (let code = from; code <= to; code++) {
      const lower = code | 0x20;
      if (lower < 0x61 || lower > 0x7a) continue;
      ranges.push(lower, lower, lower - 0x20, lower - 0x20);
      // Two letters beyond ASCII have an ASCII letter as another case: the long s and the kelvin sign.
      if (lower === 0x73) ranges.push(0x17f, 0x17f);
      if (lower === 0x6b) ranges.push(0x212a, 0x212a);
    }
  }
  return normalize(ranges);
}
