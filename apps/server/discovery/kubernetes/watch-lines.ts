// A watch's body: one JSON text per line, as long as it lasts.

/** No object of the API may be larger than 1.5 MiB or so; an event with more than this is none. */
export const MAX_LINE_BYTES: number = 16 << 20;

/** Cuts bytes into lines. Throws for a line beyond `MAX_LINE_BYTES`. */
export class WatchLines {
  readonly #line: (text: string) => void;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  /** `line` gets each line that is not empty. */
  constructor(line: (text: string) => void) {
    this.#line = line;
  }

  /** Takes bytes, which are theirs only during the call. */
  take(bytes: Buffer): void {
    let from = 0;
    for (;;) {
      const end = bytes.indexOf(0x0a, from);
      if (end < 0) break;
      this.#finish(bytes.subarray(from, end));
      from = end + 1;
    }
    if (from === bytes.length) return;
    const rest = bytes.length - from;
    if (this.#pendingBytes + rest > MAX_LINE_BYTES)
      throw new Error(`watch event has more than ${MAX_LINE_BYTES} bytes`);
    this.#pending.push(Buffer.from(bytes.subarray(from)));
    this.#pendingBytes += rest;
  }

  /** The body is at its end: what is left is the last line. */
  end(): void {
    this.#finish(Buffer.alloc(0));
  }

  #finish(last: Buffer): void {
    const pending = this.#pending;
    const text = (pending.length === 0 ? last : Buffer.concat([...pending, last])).toString("utf8");
    this.#pending = [];
    this.#pendingBytes = 0;
    if (text.trim() !== "") this.#line(text);
  }
}
