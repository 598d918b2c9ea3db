/** Which metrics an expression asks for, and which known ones sound like a misspelt one. */

const KEYWORDS = new Set(
  "and or unless by without on ignoring group_left group_right bool offset start end inf nan atan2 fill fill_left fill_right anchored smoothed".split(
    " ",
  ),
);

/**
 * Names in the places of metrics: identifiers outside strings, braces and grouping lists that no parenthesis follows.
 * A reading good enough for hints, not a parser; each name once, in order.
 */
export function metricNamesIn(expr: string): string[] {
  const bare = expr
    .replace(/#[^\n]*/g, " ")
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""')
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/gi, " ");
  const names = new Set<string>();
  for (const match of bare.matchAll(/(?<![\w:.])[A-Za-z_:][\w:]*(?!\s*\(|[\w:])/g)) {
    const name = match[0];
    // An aggregation may carry its grouping before its parenthesis: `sum by (job) (…)` has lost that list above.
    const followed = /^\s*\(/.test(bare.slice(match.index + name.length));
    if (!followed && !KEYWORDS.has(name.toLowerCase())) names.add(name);
  }
  return [...names];
}

/** At most `limit` of `known` that are close to `name`: they contain it, begin alike, or differ by few letters; the closest first. */
export function soundsLike(name: string, known: readonly string[], limit = 3): string[] {
  const wanted = name.toLowerCase();
  const tolerance = Math.max(2, Math.floor(wanted.length / 4));
  const scored: { candidate: string; score: number }[] = [];
  for (const candidate of known) {
    const lower = candidate.toLowerCase();
    if (lower === wanted) continue;
    const contains = wanted.length >= 3 && (lower.includes(wanted) || (lower.length >= 4 && wanted.includes(lower)));
    const score = contains ? 0.5 + Math.abs(lower.length - wanted.length) / 100 : distance(wanted, lower, tolerance);
    if (score <= tolerance) scored.push({ candidate, score });
  }
  return scored
    .sort((a, b) => a.score - b.score)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** Edit distance with neighbours swapped counted as one (optimal string alignment); above `bound` it may stop early with a larger number. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(previous[j]! + 1, row[j - 1]! + 1, previous[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforePrevious[j - 2]! + 1);
      row.push(best);
      if (best < least) least = best;
    }
    if (least > bound) return bound + 1;
    beforePrevious = previous;
    previous = row;
  }
  return previous[b.length]!;
}
