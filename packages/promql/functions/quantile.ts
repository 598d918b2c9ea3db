// Quantiles of plain numbers.

/**
 * The `q`-quantile of ascending values (NaN first), weighted between the two neighbours of rank `q * (n - 1)`.
 * NaN without values or for NaN, -Infinity for q < 0, Infinity for q > 1.
 */
export function quantileOfSorted(q: number, sorted: ArrayLike<number>): number {
  const n = sorted.length;
  if (n === 0 || Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const rank = q * (n - 1);
  const below = Math.max(0, Math.floor(rank));
  const above = Math.min(n - 1, below + 1);
  const weight = rank - Math.floor(rank);
  return sorted[below] * (1 - weight) + sorted[above] * weight;
}
