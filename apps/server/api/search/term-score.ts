// How well a name or a value answers to what somebody types: from 0, not at all, to 1.
// Source: the reference's API documentation, "Searching metrics and labels", and the formulas its scorers state.

/** Undefined for what is not found. */
export type Score = (text: string) => number | undefined;

export type Algorithm = "subsequence" | "jarowinkler";

export const ALGORITHMS: readonly Algorithm[] = ["subsequence", "jarowinkler"];

export interface ScoreOptions {
  readonly algorithm: Algorithm;
  /** Worse than this is not found. */
  readonly threshold: number;
  readonly caseSensitive: boolean;
}

/** A match that is not the whole text scores a little less than one that is. */
const PARTIAL = 0.999;
/** Longer texts are judged by their beginning: the work grows with the square of it. */
const MAX_LENGTH = 1024;
/** How much a common beginning counts for Winkler, by character, and how many characters of it. */
const PREFIX_WEIGHT = 0.1;
const PREFIX_LENGTH = 4;

/** The best score of any of `terms`; without any, everything is found and scores 1. */
export function scoreOf(terms: readonly string[], options: ScoreOptions): Score {
  const { caseSensitive } = options;
  const scores = terms
    .filter((term) => term !== "")
    .map((term) => scoreOfTerm(caseSensitive ? term : term.toLowerCase(), options));
  if (scores.length === 0) return () => 1;
  return (text) => {
    const folded = caseSensitive ? text : text.toLowerCase();
    let best: number | undefined;
    for (const score of scores) {
      const found = score(folded);
      if (found !== undefined && (best === undefined || found > best)) best = found;
      if (best === 1) break;
    }
    return best;
  };
}

function scoreOfTerm(term: string, { algorithm, threshold }: ScoreOptions): Score {
  const codes = codesOf(term);
  if (algorithm === "subsequence") {
    return (text) => {
      if (text.startsWith(term)) return 1;
      const score = subsequence(codes, codesOf(text));
      return score > 0 && score >= threshold ? score : undefined;
    };
  }
  return (text) => {
    const at = text.indexOf(term);
    if (at >= 0) return position(text, at, codes.length);
    if (threshold === 0) return undefined;
    const score = jaroWinkler(codes, codesOf(text));
    return score >= threshold ? score : undefined;
  };
}

function codesOf(text: string): readonly number[] {
  return Array.from(text.slice(0, MAX_LENGTH), (character) => character.codePointAt(0) as number);
}

/** The earlier a part stands, the more it is worth: 1 at the beginning, a tenth at the end. */
function position(text: string, at: number, termLength: number): number {
  const last = [...text].length - termLength;
  return at === 0 || last <= 0 ? 1 : 1 - (0.9 * [...text.slice(0, at)].length) / last;
}

/**
 * All of `term` in order, with gaps: the squares of the runs' lengths, less the gaps as shares of the text, the last one by half.
 * Of all beginnings the best counts; from each one, the nearest character is taken.
 */
function subsequence(term: readonly number[], text: readonly number[]): number {
  let best = 0;
  for (let start = 0; start + term.length <= text.length; start++) {
    if (text[start] !== term[0]) continue;
    const found = scoreFrom(start, term, text);
    // What cannot be completed from here cannot be from further on.
    if (found === undefined) break;
    best = Math.max(best, found);
  }
  return (best / (term.length * term.length)) * PARTIAL;
}

function scoreFrom(start: number, term: readonly number[], text: readonly number[]): number | undefined {
  const share = 1 / text.length;
  let score = 0;
  let matched = 0;
  let end = 0;
  for (let at = start; matched < term.length; ) {
    while (at < text.length && text[at] !== term[matched]) at++;
    if (at === text.length) return undefined;
    const begin = at;
    while (matched < term.length && at < text.length && text[at] === term[matched]) {
      at++;
      matched++;
    }
    score -= (begin - end) * share;
    score += (at - begin) * (at - begin);
    end = at;
  }
  return score - (text.length - end) * share * 0.5;
}

/** Jaro's similarity, raised by Winkler for a common beginning. */
function jaroWinkler(a: readonly number[], b: readonly number[]): number {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length === 0) return 0;
  const reach = Math.max(Math.floor(long.length / 2) - 1, 0);
  const taken = new Uint8Array(long.length);
  const common: number[] = [];
  short.forEach((code, i) => {
    const until = Math.min(i + reach + 1, long.length);
    for (let j = Math.max(i - reach, 0); j < until; j++) {
      if (taken[j] === 1 || long[j] !== code) continue;
      taken[j] = 1;
      common.push(code);
      break;
    }
  });
  if (common.length === 0) return 0;
  const others = long.filter((_, j) => taken[j] === 1);
  const displaced = common.filter((code, i) => code !== others[i]).length;
  const matches = common.length;
  const jaro = (matches * (1 / short.length) + matches * (1 / long.length) + (matches - displaced * 0.5) / matches) / 3;
  let prefix = 0;
  while (prefix < Math.min(PREFIX_LENGTH, short.length) && short[prefix] === long[prefix]) prefix++;
  return jaro + prefix * PREFIX_WEIGHT * (1 - jaro);
}
