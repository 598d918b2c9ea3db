// Sets of series as ascending arrays of ids.

const EMPTY = new Uint32Array(0);

/** What both have. May return one of its arguments; none is changed. */
export function intersect(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length > b.length) return intersect(b, a);
  if (a.length === 0) return EMPTY;
  const result = new Uint32Array(a.length);
  let count = 0;
  if (a.length * 16 < b.length) {
    // Few against many: gallop through the larger one.
    let from = 0;
    for (const id of a) {
      from = lowerBound(b, id, from);
      if (from === b.length) break;
      if (b[from] === id) result[count++] = id;
    }
  } else {
    let j = 0;
    for (let i = 0; i < a.length && j < b.length; ) {
      const left = a[i] as number;
      const right = b[j] as number;
      if (left === right) result[count++] = left;
      if (left <= right) i++;
      if (right <= left) j++;
    }
  }
  return count === a.length ? a : result.subarray(0, count);
}

/** What `a` has and `b` has not. May return `a`. */
export function subtract(a: Uint32Array, b: Uint32Array): Uint32Array {
  if (a.length === 0 || b.length === 0) return a;
  const result = new Uint32Array(a.length);
  let count = 0;
  let j = 0;
  for (const id of a) {
    while (j < b.length && (b[j] as number) < id) j++;
    if (b[j] !== id) result[count++] = id;
  }
  return count === a.length ? a : result.subarray(0, count);
}

/** What any of them has. May return one of them. */
export function union(lists: readonly Uint32Array[]): Uint32Array {
  const some = lists.filter((list) => list.length > 0);
  if (some.length === 0) return EMPTY;
  // Pairwise from the smallest on, so that nothing is copied more often than there are levels.
  let level = some.sort((a, b) => a.length - b.length);
  while (level.length > 1) {
    const next: Uint32Array[] = [];
    for (let i = 0; i + 1 < level.length; i += 2)
      next.push(unite(level[i] as Uint32Array, level[i + 1] as Uint32Array));
    if (level.length % 2 === 1) next.push(level[level.length - 1] as Uint32Array);
    level = next;
  }
  return level[0] as Uint32Array;
}

function unite(a: Uint32Array, b: Uint32Array): Uint32Array {
  const result = new Uint32Array(a.length + b.length);
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a[i] as number;
    const right = b[j] as number;
    result[count++] = Math.min(left, right);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  while (i < a.length) result[count++] = a[i++] as number;
  while (j < b.length) result[count++] = b[j++] as number;
  return count === result.length ? result : result.subarray(0, count);
}

/** Position of the first element of `list` (from `from` on) that is not less than `id`. */
export function lowerBound(list: Uint32Array, id: number, from = 0): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < list.length && (list[high] as number) < id) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  high = Math.min(high, list.length);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((list[middle] as number) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}
