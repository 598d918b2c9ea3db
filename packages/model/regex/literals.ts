// Patterns that are nothing but literals, or literals with `.*` and `.+` between them: matched by comparing text.
import type { RegexNode } from "./syntax.ts";

/** No more literals than this are made by multiplying out; larger alternations written out are taken as they are. */
const MAX_LITERALS = 256;
/** No more alternatives with wildcards than this are tried one after the other. */
const MAX_GLOBS = 64;

/** Every text that the pattern matches, in its order and without repetition; undefined when there are too many. */
export function literalsOf(node: RegexNode): string[] | undefined {
  const found = expand(node);
  return found === undefined ? undefined : [...new Set(found)];
}

function expand(node: RegexNode): string[] | undefined {
  switch (node.kind) {
    case "runes": {
      const out: string[] = [];
      for (let i = 0; i < node.set.length; i += 2) {
        const from = node.set[i] as number;
        const to = node.set[i + 1] as number;
        if (out.length + to - from >= MAX_LITERALS) return undefined;
        for (let code = from; code <= to; code++) out.push(String.fromCodePoint(code));
      }
      return out;
    }
    case "capture":
      return expand(node.body);
    case "concat": {
      let out = [""];
      for (const part of node.parts) {
        const next = expand(part);
        if (next === undefined || next.length * out.length > MAX_LITERALS) return undefined;
        out = multiply(out, next);
      }
      return out;
    }
    case "alternate": {
      const out: string[] = [];
      for (const part of node.parts) {
        const next = expand(part);
        if (next === undefined || next.length + out.length > MAX_LITERALS) return undefined;
        for (const text of next) out.push(text);
      }
      return out;
    }
    case "repeat": {
      if (node.max === Infinity || node.max > 64) return undefined;
      const body = expand(node.body);
      if (body === undefined) return undefined;
      const out: string[] = [];
      let power = [""];
      for (let n = 0; n <= node.max; n++) {
        if (n >= node.min) out.push(...power);
        if (out.length > MAX_LITERALS || body.length * power.length > MAX_LITERALS) return undefined;
        power = multiply(power, body);
      }
      return out;
    }
  }
}

function multiply(left: readonly string[], right: readonly string[]): string[] {
  if (right.length === 1) return left.map((text) => text + (right[0] as string));
  return left.flatMap((text) => right.map((more) => text + more));
}

/**
 * Literals with wildcards between them: `pieces[0]` stands at the beginning, the last piece at the end, each piece is
 * one of several texts, and `gaps[i]` is the least number of characters (0 or 1) between piece i and piece i + 1.
 */
export interface Glob {
  readonly pieces: readonly (readonly string[])[];
  readonly gaps: readonly number[];
}

/** The pattern as alternatives of literals with wildcards between them; undefined when it is no such thing. */
export function globsOf(node: RegexNode): Glob[] | undefined {
  const branches = node.kind === "alternate" ? node.parts : [node];
  if (branches.length > MAX_GLOBS) return undefined;
  const globs: Glob[] = [];
  for (const branch of branches) {
    const pieces: string[][] = [[""]];
    const gaps: number[] = [];
    if (!flatten(branch, pieces, gaps) || gaps.some((gap) => gap > 1)) return undefined;
    globs.push({ pieces, gaps });
  }
  return globs;
}

function flatten(node: RegexNode, pieces: string[][], gaps: number[]): boolean {
  if (node.kind === "capture") return flatten(node.body, pieces, gaps);
  if (node.kind === "repeat" && node.max === Infinity && isAny(node.body)) {
    const last = pieces.length - 1;
    // Neighbouring wildcards are one.
    if (last > 0 && isEmptyPiece(pieces[last] as string[])) (gaps[last - 1] as number) += node.min;
    else {
      pieces.push([""]);
      gaps.push(node.min);
    }
    return true;
  }
  const literals = expand(node);
  if (literals !== undefined && literals.length > 0) {
    const last = pieces[pieces.length - 1] as string[];
    if (last.length * literals.length > MAX_LITERALS) return false;
    pieces[pieces.length - 1] = multiply(last, literals);
    return true;
  }
  return node.kind === "concat" && node.parts.every((part) => flatten(part, pieces, gaps));
}

function isEmptyPiece(piece: readonly string[]): boolean {
  return piece.length === 1 && piece[0] === "";
}

function isAny(node: RegexNode): boolean {
  return node.kind === "runes" && node.set.length === 2 && node.set[0] === 0 && node.set[1] === 0x10ffff;
}

/** A function that tells whether a text is matched by one of the globs. */
export function globMatcher(globs: readonly Glob[]): (text: string) => boolean {
  if (globs.length === 1) return singleMatcher(globs[0] as Glob);
  const matchers = globs.map(singleMatcher);
  return (text) => {
    for (const matches of matchers) if (matches(text)) return true;
    return false;
  };
}

function singleMatcher(glob: Glob): (text: string) => boolean {
  const { pieces, gaps } = glob;
  const single = pieces.every((piece) => piece.length === 1);
  const first = (pieces[0] as readonly string[])[0] as string;
  const last = (pieces.at(-1) as readonly string[])[0] as string;
  if (single && pieces.length === 1) return (text) => text === first;
  if (single && pieces.length === 2) {
    const least = first.length + last.length + (gaps[0] as number);
    if (first === "" && last === "") return least === 0 ? () => true : (text) => text !== "";
    if (last === "") return (text) => text.length >= least && text.startsWith(first);
    if (first === "") return (text) => text.length >= least && text.endsWith(last);
    return (text) => text.length >= least && text.startsWith(first) && text.endsWith(last);
  }
  if (single && pieces.length === 3 && first === "" && last === "" && gaps[0] === 0 && gaps[1] === 0) {
    const middle = (pieces[1] as readonly string[])[0] as string;
    return (text) => text.includes(middle);
  }
  return (text) => matchesGlob(text, pieces, gaps);
}

/**
 * Takes each piece as early as it can end: gaps have no upper limit, so an earlier end never hinders what follows.
 * A gap of one is one UTF-16 unit at least, which between well-formed literals is one character at least.
 */
function matchesGlob(text: string, pieces: readonly (readonly string[])[], gaps: readonly number[]): boolean {
  const lastPiece = pieces.length - 1;
  let end = -1;
  for (const literal of pieces[0] as readonly string[]) {
    if (lastPiece === 0 ? text === literal : text.startsWith(literal)) {
      if (end < 0 || literal.length < end) end = literal.length;
    }
  }
  if (end < 0 || lastPiece === 0) return end >= 0;
  for (let i = 1; i < lastPiece; i++) {
    const from = end + (gaps[i - 1] as number);
    end = -1;
    if (from > text.length) return false;
    for (const literal of pieces[i] as readonly string[]) {
      const at = text.indexOf(literal, from);
      if (at >= 0 && (end < 0 || at + literal.length < end)) end = at + literal.length;
    }
    if (end < 0) return false;
  }
  const from = end + (gaps[lastPiece - 1] as number);
  for (const literal of pieces[lastPiece] as readonly string[]) {
    if (text.length - literal.length >= from && text.endsWith(literal)) return true;
  }
  return false;
}

/** A literal that every match begins with, "" when there is none to be seen. */
export function prefixOf(node: RegexNode): string {
  return leading(node).text;
}

function leading(node: RegexNode): { text: string; whole: boolean } {
  switch (node.kind) {
    case "runes": {
      const single = node.set.length === 2 && node.set[0] === node.set[1];
      return single ? { text: String.fromCodePoint(node.set[0] as number), whole: true } : { text: "", whole: false };
    }
    case "capture":
      return leading(node.body);
    case "concat": {
      let text = "";
      for (const part of node.parts) {
        const next = leading(part);
        text += next.text;
        if (!next.whole) return { text, whole: false };
      }
      return { text, whole: true };
    }
    case "alternate": {
      const [first, ...others] = node.parts.map(leading);
      if (first === undefined) return { text: "", whole: false };
      let { text, whole } = first;
      for (const other of others) {
        whole &&= other.whole && other.text === text;
        let shared = 0;
        while (shared < text.length && text[shared] === other.text[shared]) shared++;
        // Never in the middle of a character.
        if (shared > 0 && shared < text.length && /[\ud800-\udbff]/.test(text[shared - 1] as string)) shared--;
        text = text.slice(0, shared);
      }
      return { text, whole };
    }
    case "repeat": {
      if (node.min === 0) return { text: "", whole: false };
      const body = leading(node.body);
      return { text: body.text, whole: body.whole && node.min === 1 && node.max === 1 };
    }
  }
}
