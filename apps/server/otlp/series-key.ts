// What tells a point's series apart within the cache: a number for everything around the point, and the point's bytes.

/** Bytes in front of the attributes: context, part, and the two halves of a bound or quantile. */
const HEADER_BYTES = 16;
/** The cache may look so many bytes behind the key. */
const SLACK_BYTES = 4;

/** Which of a point's series. */
export const Part = { value: 0, sum: 1, count: 2, bucket: 3, quantile: 4 } as const;
export type Part = (typeof Part)[keyof typeof Part];

/** A key that is built for each point and used again for the next. */
export class SeriesKey {
  bytes: Uint8Array = new Uint8Array(1024);
  view: DataView = new DataView(this.bytes.buffer);
  length: number = HEADER_BYTES;

  /** Begins the key of a point: `context` stands for the metric, its scope and its resource. */
  begin(context: number): void {
    this.view.setUint32(0, context, true);
    this.length = HEADER_BYTES;
  }

  /** Adds an attribute's message from `from[start, end)`; the length goes in front. */
  addAttribute(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.#reserve(count + 5);
    const { bytes } = this;
    let at = this.length;
    let rest = count;
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = (rest & 0x7f) | 0x80;
    bytes[at++] = rest;
    if (count < 64) for (let i = start; i < end; i++) bytes[at++] = from[i] as number;
    else {
      bytes.set(from.subarray(start, end), at);
      at += count;
    }
    this.length = at;
  }

  /** Says which series of the point; the halves are those of a bucket's bound or of a quantile, else 0. */
  choose(part: Part, high: number, low: number): void {
    const { view } = this;
    view.setUint32(4, part, true);
    view.setUint32(8, high, true);
    view.setUint32(12, low, true);
  }

  /** Where the attributes begin: messages with their lengths in front. */
  get attributesStart(): number {
    return HEADER_BYTES;
  }

  #reserve(count: number): void {
    const needed = this.length + count + SLACK_BYTES;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
