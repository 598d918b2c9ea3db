// Bytes on their way to a client: a buffer that is handed over each time it is full.

/** Takes finished buffers. What it was given is its own from then on. */
export type TakeBytes = (bytes: Uint8Array<ArrayBuffer>) => void;

const FIRST_BYTES = 4 * 1024;
const FULL_BYTES = 256 * 1024;
/** From here on the runtime's own copying pays. */
const LONG_TEXT = 48;
const EMPTY: Buffer<ArrayBuffer> = Buffer.allocUnsafeSlow(0);

/**
 * An append-only byte buffer for ASCII-heavy text. It starts small, grows up to 256 KiB, and is then handed to `take`
 * and replaced, so that an answer of any size holds no more than that here.
 */
export class ByteSink {
  #bytes: Buffer<ArrayBuffer>;
  #length = 0;
  #take: TakeBytes;
  /** Not to be given away. */
  readonly #borrowed: Buffer<ArrayBuffer> | undefined;

  /**
   * `borrowed` is memory to begin with, which nobody else may use before the last `flush`: an answer that fits there is copied out
   * of it, which for small ones costs less than memory of their own.
   */
  constructor(take: TakeBytes, borrowed?: Buffer<ArrayBuffer>) {
    this.#take = take;
    this.#borrowed = borrowed;
    this.#bytes = borrowed ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  /** Room for `count` bytes (at most 256 KiB), to be written from `position` on and closed with `advance`. */
  reserve(count: number): Uint8Array<ArrayBuffer> {
    if (this.#length + count <= this.#bytes.length) return this.#bytes;
    const capacity = Math.min(FULL_BYTES, Math.max(this.#bytes.length * 4, count));
    if (this.#length + count <= capacity) {
      const larger = Buffer.allocUnsafeSlow(capacity);
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    } else {
      this.flush();
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(FULL_BYTES, count));
    }
    return this.#bytes;
  }

  get position(): number {
    return this.#length;
  }

  advance(to: number): void {
    this.#length = to;
  }

  /** Writes text of which every character is ASCII. */
  ascii(text: string): void {
    if (text.length > FULL_BYTES) {
      this.text(text);
      return;
    }
    const bytes = this.reserve(text.length) as Buffer<ArrayBuffer>;
    let at = this.#length;
    if (text.length >= LONG_TEXT) {
      this.#length = at + bytes.write(text, at, "latin1");
      return;
    }
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** Writes any text as UTF-8. */
  text(text: string): void {
    this.bytes(Buffer.from(text, "utf8"));
  }

  bytes(source: Uint8Array): void {
    let from = 0;
    while (from < source.length) {
      const count = Math.min(source.length - from, FULL_BYTES);
      const target = this.reserve(count);
      target.set(source.subarray(from, from + count), this.#length);
      this.#length += count;
      from += count;
    }
  }

  /** Hands over what is there. */
  flush(): void {
    if (this.#length === 0) return;
    const written = this.#bytes.subarray(0, this.#length);
    this.#take(this.#bytes === this.#borrowed ? Buffer.from(written) : written);
    this.#bytes = EMPTY;
    this.#length = 0;
  }
}
