// Which patterns may run on V8's backtracking engine: those for which the number of ways to match is shown to be
// small. For them it is several times faster than RE2 in JavaScript.
import { ANY, intersects, normalize, type RegexNode, type RuneSet } from "./syntax.ts";

/** How many ways a pattern may have, besides the one repetition that may overlap what follows it. */
const MAX_WAYS = 64;
/** Fixed repetitions of more than a character class are written out up to this many times. */
const MAX_COPIES = 8;
/** A tree with more nodes than this is left to the engine that is made for it. */
const MAX_NODES = 2000;

interface Analysis {
  /** How often ways multiply by a constant. */
  ways: number;
  /** Unbounded repetitions whose end is not decided by the next character: each adds a factor of the text's length. */
  loops: number;
  nodes: number;
  safe: boolean;
}

/** What may come next: the first characters of everything that follows. The end of the text counts as no character. */
type First = RuneSet;

/**
 * The pattern as a source for `RegExp` with the flags `su`, fully anchored, or undefined when backtracking could cost
 * more than a small constant times the square of the text's length. Captures keep their numbers.
 */
export function backtrackingSource(node: RegexNode): string | undefined {
  const analysis: Analysis = { ways: 1, loops: 0, nodes: 0, safe: true };
  first(node, [], analysis);
  if (!analysis.safe || analysis.ways > MAX_WAYS || analysis.loops > 1) return undefined;
  return `^(?:${print(node)})$`;
}

/** The first characters of `node` followed by something that begins with one of `follow`. */
function first(node: RegexNode, follow: First, analysis: Analysis): First {
  if (++analysis.nodes > MAX_NODES) analysis.safe = false;
  if (!analysis.safe) return ANY;
  switch (node.kind) {
    case "runes":
      return node.set;
    case "capture":
      return first(node.body, follow, analysis);
    case "concat": {
      let next = follow;
      for (let i = node.parts.length - 1; i >= 0; i--) next = first(node.parts[i] as RegexNode, next, analysis);
      return next;
    }
    case "alternate": {
      const firsts = node.parts.map((part) => first(part, follow, analysis));
      if (!areDisjoint(firsts)) analysis.ways *= node.parts.length;
      return normalize(firsts.flat());
    }
    case "repeat": {
      const { body, min, max } = node;
      const inner = body.kind === "capture" ? body.body : body;
      if (inner.kind === "runes" && !(body.kind === "capture" && max > 1)) {
        if (max !== min && intersects(inner.set, follow)) {
          if (max === Infinity) analysis.loops++;
          else analysis.ways *= max - min + 1;
        }
        return max === 0 ? follow : min > 0 ? inner.set : normalize([...inner.set, ...follow]);
      }
      if (min === 0 && max === 1) {
        const inside = first(body, follow, analysis);
        if (intersects(inside, follow) || canBeEmpty(body)) analysis.ways *= 2;
        return normalize([...inside, ...follow]);
      }
      if (min === max && max > 0 && max <= MAX_COPIES && !hasCapture(body)) {
        let next = follow;
        for (let i = 0; i < max; i++) next = first(body, next, analysis);
        return next;
      }
      analysis.safe = false;
      return ANY;
    }
  }
}

function areDisjoint(sets: readonly First[]): boolean {
  // An empty set means a branch that can only be followed by the end; two of them are two ways.
  for (let i = 0; i < sets.length; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [sets[i] as First, sets[j] as First];
      if (a.length + b.length === 0 || intersects(a, b)) return false;
    }
  }
  return true;
}

function canBeEmpty(node: RegexNode): boolean {
  switch (node.kind) {
    case "runes":
      return false;
    case "capture":
      return canBeEmpty(node.body);
    case "concat":
      return node.parts.every(canBeEmpty);
    case "alternate":
      return node.parts.some(canBeEmpty);
    case "repeat":
      return node.min === 0 || canBeEmpty(node.body);
  }
}

function hasCapture(node: RegexNode): boolean {
  switch (node.kind) {
    case "runes":
      return false;
    case "capture":
      return true;
    case "repeat":
      return hasCapture(node.body);
    default:
      return node.parts.some(hasCapture);
  }
}

function print(node: RegexNode): string {
  switch (node.kind) {
    case "runes":
      return printSet(node.set);
    case "capture":
      return `(${print(node.body)})`;
    case "concat":
      return node.parts.map((part) => (part.kind === "alternate" ? `(?:${print(part)})` : print(part))).join("");
    case "alternate":
      return node.parts.map(print).join("|");
    case "repeat": {
      const { body, min, max } = node;
      const inner = body.kind === "runes" || body.kind === "capture" ? print(body) : `(?:${print(body)})`;
      const lazy = node.lazy ? "?" : "";
      if (max === Infinity && min <= 1) return `${inner}${min === 0 ? "*" : "+"}${lazy}`;
      if (min === 0 && max === 1) return `${inner}?${lazy}`;
      return `${inner}{${min},${max === Infinity ? "" : max}}${lazy}`;
    }
  }
}

function printSet(set: RuneSet): string {
  if (set.length === 2 && set[0] === ANY[0] && set[1] === ANY[1]) return ".";
  if (set.length === 2 && set[0] === set[1]) return printRune(set[0] as number);
  let out = "[";
  for (let i = 0; i < set.length; i += 2) {
    const from = set[i] as number;
    const to = set[i + 1] as number;
    out += from === to ? printRune(from) : `${printRune(from)}-${printRune(to)}`;
  }
  return `${out}]`;
}

function printRune(code: number): string {
  const plain = (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return plain ? String.fromCharCode(code) : `\\u{${code.toString(16)}}`;
}
