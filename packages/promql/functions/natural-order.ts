// Natural order of strings: runs of digits count as numbers.
import { compareStrings } from "@narthex/model";

const LARGEST_INTEGER = "9223372036854775807";

/**
 * Whether `a` comes before `b`. The strings are cut into runs of digits and runs of anything else, and compared run by
 * run; runs of digits that are no 64-bit integer count as text.
 *
 * No consistent order: an empty string is before nothing and nothing is before it, and strings that differ only in
 * leading zeros are each before the other.
 * Source: github.com/facette/natsort, `Compare`, which the reference sorts labels by.
 */
export function compareNatural(a: string, b: string): boolean {
  const left = chunks(a);
  const right = chunks(b);
  for (let i = 0; i < left.length && i < right.length; i++) {
    const x = left[i];
    const y = right[i];
    const m = integer(x);
    const n = integer(y);
    if (m !== undefined && n !== undefined) {
      if (m !== n) return m.length === n.length ? m < n : m.length < n.length;
    } else if (x !== y) {
      return compareStrings(x, y) < 0;
    }
    if (i === left.length - 1) return true;
  }
  return false;
}

function chunks(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? [];
}

/** The digits of an integer without leading zeros; undefined for anything else. */
function integer(chunk: string): string | undefined {
  const code = chunk.charCodeAt(0);
  if (code < 48 || code > 57) return undefined;
  const digits = chunk.replace(/^0+/, "");
  const { length } = LARGEST_INTEGER;
  return digits.length > length || (digits.length === length && digits > LARGEST_INTEGER) ? undefined : digits;
}
