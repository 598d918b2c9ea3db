// Long answers, written piece by piece: a text of megabytes would be made twice, once as a text and once as bytes.

/** So much is gathered before it becomes bytes, in UTF-16 code units. */
const PIECE = 16 * 1024;
const FIRST_BYTES = 64 * 1024;

export class JsonSink {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  #text = "";

  add(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE) this.#write();
  }

  /** All that was added; the sink is used up. */
  take(): Uint8Array {
    this.#write();
    return this.#bytes.subarray(0, this.#length);
  }

  #write(): void {
    const text = this.#text;
    this.#text = "";
    // No code unit takes more than three bytes.
    const most = this.#length + text.length * 3;
    if (most > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(most, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }
}
