// Which series pass a set of matchers: postings in, postings out. Serves every index that has postings.
import type { Matcher } from "@narthex/model";
import { intersect, subtract, union } from "./postings.ts";

/** What an index must offer to be searched by matchers. All lists ascend and are not to be changed. */
export interface PostingsSource {
  /** All series. */
  allPostings(): Uint32Array;
  /** Series that have this label with this value; an empty list when there are none. */
  postings(name: string, value: string): Uint32Array;
  /**
   * Series that have this label with any value that passes. `test` is called once for each value, except that those
   * without `prefix` need not be tested: they do not pass.
   */
  postingsWhere(name: string, test: (value: string) => boolean, prefix?: string): Uint32Array;
  /** About how many values a label has: an upper bound is enough. */
  valueCount(name: string): number;
  /** The value that a series has of a label, "" without it. */
  valueOf(id: number, name: string): string;
}

/** Values to try, when a matcher names them all: those of `=` and of regular expressions that are only literals. */
function literalsOf(matcher: Matcher): readonly string[] | undefined {
  if (matcher.type === "=") return [matcher.value];
  return matcher.type === "=~" ? matcher.regex?.literals : undefined;
}

/** Values that a negative matcher excludes, when it names them all. */
function excludedLiteralsOf(matcher: Matcher): readonly string[] | undefined {
  if (matcher.type === "!=") return [matcher.value];
  return matcher.type === "!~" ? matcher.regex?.literals : undefined;
}

/** Cheapest first: look-ups of known values, then prefixes, then whatever must test every value. */
function cost(matcher: Matcher, source: PostingsSource): number {
  const literals = literalsOf(matcher) ?? excludedLiteralsOf(matcher);
  if (literals !== undefined) return literals.length;
  const values = source.valueCount(matcher.name);
  return matcher.type === "=~" && matcher.regex !== undefined && matcher.regex.prefix !== ""
    ? 1 + values / 8
    : 2 + values;
}

/** Reading one series' labels costs about as much as testing so many values. */
const SERIES_COST = 8;

/**
 * The series that pass all matchers. Matchers that accept the empty value also let pass what lacks the label: for them
 * the series that do not pass are taken away. Once few series are left, the rest is decided by looking at those.
 */
export function matchPostings(source: PostingsSource, matchers: readonly Matcher[]): Uint32Array {
  const intersecting: Matcher[] = [];
  const subtracting: Matcher[] = [];
  for (const matcher of matchers) (matcher.matchesEmpty ? subtracting : intersecting).push(matcher);
  const costs = new Map(matchers.map((matcher) => [matcher, cost(matcher, source)]));
  const byCost = (a: Matcher, b: Matcher): number => (costs.get(a) as number) - (costs.get(b) as number);
  intersecting.sort(byCost);
  subtracting.sort(byCost);

  let found: Uint32Array | undefined;
  for (const matcher of intersecting) {
    if (found === undefined) found = accepted(source, matcher);
    else if (found.length * SERIES_COST < (costs.get(matcher) as number)) found = filter(source, found, matcher);
    else found = intersect(found, accepted(source, matcher));
    if (found.length === 0) return found;
  }
  found ??= source.allPostings();
  for (const matcher of subtracting) {
    if (found.length === 0) return found;
    if (found.length * SERIES_COST < (costs.get(matcher) as number)) found = filter(source, found, matcher);
    else found = subtract(found, refused(source, matcher));
  }
  return found;
}

/** Series having the label with a value that the matcher accepts. */
function accepted(source: PostingsSource, matcher: Matcher): Uint32Array {
  const literals = literalsOf(matcher);
  if (literals === undefined) {
    const prefix = matcher.type === "=~" ? matcher.regex?.prefix : undefined;
    return source.postingsWhere(matcher.name, (value) => matcher.matches(value), prefix);
  }
  if (literals.length === 1) return source.postings(matcher.name, literals[0] as string);
  return union(literals.map((value) => source.postings(matcher.name, value)));
}

/** Series having the label with a value that the matcher refuses. */
function refused(source: PostingsSource, matcher: Matcher): Uint32Array {
  const literals = excludedLiteralsOf(matcher);
  if (literals === undefined) return source.postingsWhere(matcher.name, (value) => !matcher.matches(value));
  return union(literals.map((value) => source.postings(matcher.name, value)));
}

function filter(source: PostingsSource, ids: Uint32Array, matcher: Matcher): Uint32Array {
  // Few values repeat often, and a regular expression is dear.
  const verdicts = new Map<string, boolean>();
  return ids.filter((id) => {
    const value = source.valueOf(id, matcher.name);
    let verdict = verdicts.get(value);
    if (verdict === undefined) {
      verdict = matcher.matches(value);
      verdicts.set(value, verdict);
    }
    return verdict;
  });
}

/** An upper bound of how many series pass, from look-ups of known values alone. */
export function estimatePostings(source: PostingsSource, matchers: readonly Matcher[], total: number): number {
  let bound = total;
  for (const matcher of matchers) {
    if (matcher.matchesEmpty) continue;
    const literals = literalsOf(matcher);
    if (literals === undefined || literals.length > 8) continue;
    let count = 0;
    for (const value of literals) count += source.postings(matcher.name, value).length;
    bound = Math.min(bound, count);
  }
  return bound;
}
