// Long answers, written piece by piece: a text of megabytes would be made twice, once as a text and once as bytes.

/** So much is gathered before it becomes bytes, in UTF-16 code units. */
const PIECE = 16 * 1024;
const FIRST_BYTES = 64 * 1024;
const MOST_FIRST_BYTES = 16 * 1024 * 1024;
/** How long the last long answer was: the next one is about as long. */
let expectedBytes = FIRST_BYTES;

export class JsonSink {
  #bytes: Buffer = Buffer.allocUnsafe(expectedBytes);
  #length = 0;
  #text = "";

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE) this.#write();
  }

  /** The same for a text of plain characters only, which become bytes much faster. */
  addPlain(text: string): void {
    if (this.#text !== "") this.#write();
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, "latin1");
  }

  /** All that was added; the sink is used up. */
  take(): Uint8Array {
    this.#write();
    expectedBytes = Math.min(Math.max(FIRST_BYTES, Math.ceil(this.#length * 1.1)), MOST_FIRST_BYTES);
    return this.#bytes.subarray(0, this.#length);
  }

  #write(): void {
    const text = this.#text;
    this.#text = "";
    // No code unit takes more than three bytes.
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  #reserve(bytes: number): void {
    const most = this.#length + bytes;
    if (most <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(most, this.#bytes.length * 2));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Whether `addPlain` may write it. */
export function isPlain(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text);
}
