// A label set as bytes: the way into a storage for those who have text as bytes anyway and make no strings of it.
import { Labels } from "@narthex/model";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * A label set that is filled label by label and used again after `clear`. Whoever fills it answers for this: all text is
 * UTF-8. Order, uniqueness and emptiness are looked at by the storage, as with `Labels`.
 *
 * Text lies in `bytes` without gaps, name, value, name, value; `ends` holds where each of them ends. Both are replaced
 * when they grow, and keep their size otherwise; a set of more than 2 GiB is beyond them.
 */
export class LabelBytes {
  bytes: Uint8Array = new Uint8Array(512);
  ends: Uint32Array = new Uint32Array(64);
  /** How many labels there are. */
  count = 0;
  /** Bytes of text. */
  length = 0;

  clear(): void {
    this.count = 0;
    this.length = 0;
  }

  /** Adds the label with the name `from[nameStart, nameEnd)` and the value `from[valueStart, valueEnd)`. Bytes are copied. */
  add(from: Uint8Array, nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    this.reserve(1, nameEnd - nameStart + valueEnd - valueStart);
    const { bytes, ends } = this;
    let at = this.length;
    for (let i = nameStart; i < nameEnd; i++) bytes[at++] = from[i] as number;
    ends[2 * this.count] = at;
    for (let i = valueStart; i < valueEnd; i++) bytes[at++] = from[i] as number;
    ends[2 * this.count + 1] = at;
    this.length = at;
    this.count++;
  }

  /** Adds a label that is text. Lone surrogates become U+FFFD. */
  addText(name: string, value: string): void {
    this.reserve(1, 3 * (name.length + value.length));
    let at = this.length;
    at += encoder.encodeInto(name, this.bytes.subarray(at)).written;
    this.ends[2 * this.count] = at;
    at += encoder.encodeInto(value, this.bytes.subarray(at)).written;
    this.ends[2 * this.count + 1] = at;
    this.length = at;
    this.count++;
  }

  /** Makes room for more labels and bytes, for those who write into `bytes` and `ends` themselves. */
  reserve(labelCount: number, byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    const neededEnds = 2 * (this.count + labelCount);
    if (neededEnds <= this.ends.length) return;
    const grown = new Uint32Array(Math.max(neededEnds, this.ends.length * 2));
    grown.set(this.ends);
    this.ends = grown;
  }

  /** Where the name of a label begins; its value begins where its name ends. */
  start(index: number): number {
    return index === 0 ? 0 : (this.ends[2 * index - 1] as number);
  }

  /**
   * The first label whose name or value is empty, or whose name is not above the one before it in byte order; -1 when the
   * set is in order. No label at all is in order.
   */
  firstFault(): number {
    const { bytes, ends, count } = this;
    let before = 0;
    let beforeEnd = 0;
    let start = 0;
    for (let i = 0; i < count; i++) {
      const end = ends[2 * i] as number;
      const valueEnd = ends[2 * i + 1] as number;
      if (end === start || valueEnd === end) return i;
      if (i > 0) {
        let a = before;
        let b = start;
        while (a < beforeEnd && b < end && bytes[a] === bytes[b]) {
          a++;
          b++;
        }
        // One is the beginning of the other, or they differ here.
        if (b === end || (a < beforeEnd && (bytes[a] as number) > (bytes[b] as number))) return i;
      }
      before = start;
      beforeEnd = end;
      start = valueEnd;
    }
    return -1;
  }

  /** The same set as strings. */
  toLabels(): Labels {
    const pairs: string[] = [];
    let start = 0;
    for (let i = 0; i < 2 * this.count; i++) {
      const end = this.ends[i] as number;
      pairs.push(decoder.decode(this.bytes.subarray(start, end)));
      start = end;
    }
    return new Labels(pairs);
  }
}
