// Natural order of strings: runs of digits count as numbers.

/** Whether `a` comes before `b`. The strings are cut into runs of digits and runs of anything else, and compared run by run. */
export function compareNatural(a: string, b: string): boolean {
  const left = chunks(a);
  const right = chunks(b);
  for (let i = 0; i < left.length; i++) {
    if (i >= right.length) return false;
    const x = left[i] as string;
    const y = right[i] as string;
    const bothNumbers = isDigit(x) && isDigit(y);
    if (bothNumbers) {
      const m = BigInt(x);
      const n = BigInt(y);
      if (m === n) {
        if (i === left.length - 1) return left.length < right.length || x.length < y.length;
        if (i === right.length - 1) return false;
        continue;
      }
      return m < n;
    }
    if (x === y) {
      if (i === left.length - 1) return true;
      if (i === right.length - 1) return false;
      continue;
    }
    return x < y;
  }
  return false;
}

function chunks(text: string): string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

function isDigit(chunk: string): boolean {
  const code = chunk.charCodeAt(0);
  return code >= 48 && code <= 57;
}
