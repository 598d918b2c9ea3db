// Which series pass a set of matchers: the cheapest postings give the candidates, label lists decide on the rest.
import type { Matcher } from "@narthex/model";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { ALL_SERIES, countPostings, readPostings } from "./postings.ts";
import { Cold } from "./record.ts";
import { recordOf } from "./series-table.ts";
import type { Symbols } from "./symbols.ts";

/** Walking all values of a label costs about so much more than looking at one candidate's labels. */
const VALUE_COST = 4;

/** One matcher, resolved against the head's pairs. Verdicts on pairs are computed once. */
interface Test {
  readonly matcher: Matcher;
  readonly nameId: number;
  readonly matchesEmpty: boolean;
  /** Pairs that pass, when they are few and known without walking all values. */
  readonly known: readonly number[] | undefined;
  /** Verdicts by pair id, filled as they are asked. */
  readonly verdicts: Map<number, boolean>;
}

/** Records of the series that pass all matchers and were made up to `lastRef`, in no particular order. */
export function matchingRecords(
  memory: HeadMemory,
  symbols: Symbols,
  matchers: readonly Matcher[],
  lastRef: number,
): Uint32Array {
  const tests = matchers.map((matcher) => resolve(symbols, matcher));
  // A label that must be there, but no series has it.
  if (tests.some((test) => !test.matchesEmpty && (test.nameId === 0 || test.known?.length === 0)))
    return new Uint32Array(0);
  const base = cheapest(memory, symbols, tests);
  const pairs = base === undefined ? [ALL_SERIES] : basePairs(symbols, base);
  let capacity = 0;
  for (const pair of pairs) capacity += countPostings(memory, pair);
  // Series may be added meanwhile; they are not asked for.
  const refs = new Uint32Array(capacity);
  let count = 0;
  for (const pair of pairs) count += readPostings(memory, pair, refs, count, capacity - count);
  const others = tests.filter((test) => test !== base);
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const ref = refs[i];
    if (ref > lastRef) continue;
    const record = recordOf(memory, ref);
    if (record === 0) continue;
    if (others.length > 0 && !passes(memory, symbols, record, others)) continue;
    refs[kept++] = record;
  }
  return refs.subarray(0, kept);
}

/** An upper bound of how many series pass, from postings counts alone. */
export function estimateMatching(memory: HeadMemory, symbols: Symbols, matchers: readonly Matcher[]): number {
  let best = countPostings(memory, ALL_SERIES);
  for (const matcher of matchers) {
    const test = resolve(symbols, matcher);
    if (test.matchesEmpty) continue;
    if (test.nameId === 0) return 0;
    if (test.known === undefined) continue;
    best = Math.min(best, countAll(memory, test.known));
  }
  return best;
}

function resolve(symbols: Symbols, matcher: Matcher): Test {
  const nameId = symbols.nameId(matcher.name);
  const matchesEmpty = matcher.matches("");
  let known: number[] | undefined;
  const literals = matcher.type === "=" ? [matcher.value] : matcher.type === "=~" ? matcher.regex?.literals : undefined;
  if (literals !== undefined && nameId !== 0) {
    known = [];
    for (const literal of new Set(literals)) {
      const pair = literal === "" ? 0 : symbols.pairId(nameId, literal);
      if (pair !== 0) known.push(pair);
    }
  }
  return { matcher, nameId, matchesEmpty, known, verdicts: new Map() };
}

/** The test whose postings are to be read; undefined when none of them demands its label. */
function cheapest(memory: HeadMemory, symbols: Symbols, tests: readonly Test[]): Test | undefined {
  let best: Test | undefined;
  let bestCost = Infinity;
  for (const test of tests) {
    if (test.matchesEmpty || test.known === undefined) continue;
    const cost = countAll(memory, test.known);
    if (cost < bestCost) {
      best = test;
      bestCost = cost;
    }
  }
  const all = countPostings(memory, ALL_SERIES);
  for (const test of tests) {
    if (test.matchesEmpty || test.known !== undefined) continue;
    // All values must be looked at, and how many series they have is known only then.
    const walk = symbols.pairCount(test.nameId) * VALUE_COST;
    if (walk >= Math.min(bestCost, all)) continue;
    const cost = walk + countAll(memory, basePairs(symbols, test));
    if (cost < bestCost) {
      best = test;
      bestCost = cost;
    }
  }
  return best;
}

function countAll(memory: HeadMemory, pairs: readonly number[]): number {
  let count = 0;
  for (const pair of pairs) count += countPostings(memory, pair);
  return count;
}

/** The pairs that pass a test. */
function basePairs(symbols: Symbols, test: Test): readonly number[] {
  if (test.known !== undefined) return test.known;
  const pairs: number[] = [];
  for (let pair = symbols.newestPair(test.nameId); pair !== 0; pair = symbols.nextOfName(pair)) {
    if (pairPasses(symbols, test, pair)) pairs.push(pair);
  }
  return pairs;
}

function pairPasses(symbols: Symbols, test: Test, pair: number): boolean {
  let verdict = test.verdicts.get(pair);
  if (verdict === undefined) {
    const value = symbols.valueText(pair);
    const prefix = test.matcher.regex?.prefix ?? "";
    verdict = prefix !== "" && !value.startsWith(prefix) ? test.matcher.type === "!~" : test.matcher.matches(value);
    test.verdicts.set(pair, verdict);
  }
  return verdict;
}

function passes(memory: HeadMemory, symbols: Symbols, record: number, tests: readonly Test[]): boolean {
  const { arena, cold } = memory;
  const list = cold[record * COLD_WORDS + Cold.labels];
  const count = arena[list];
  for (const test of tests) {
    let found = 0;
    if (test.nameId !== 0) {
      for (let i = 1; i <= count; i++) {
        const pair = arena[list + i];
        if (symbols.nameOfPair(pair) === test.nameId) {
          found = pair;
          break;
        }
      }
    }
    if (found === 0 ? !test.matchesEmpty : !pairPasses(symbols, test, found)) return false;
  }
  return true;
}
