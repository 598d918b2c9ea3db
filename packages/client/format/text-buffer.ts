// Text put together from many small parts. The engine keeps what is appended as a tree of its parts; a tree for a whole exposition would
// outlive collections of young garbage and make each of them long. So it is made one piece every few kilobytes.

/** How much is kept as a tree. */
const PENDING_CHARS = 8192;

/** Text that grows at its end. */
export class TextBuffer {
  #settled = "";
  #pending = "";

  /** Number of characters. */
  get length(): number {
    return this.#settled.length + this.#pending.length;
  }

  /** Hands over what there is, and begins anew. */
  take(): string {
    this.#settle();
    const taken = this.#settled;
    this.#settled = "";
    return taken;
  }

  text(text: string): void {
    this.#pending += text;
    if (this.#pending.length > PENDING_CHARS) this.#settle();
  }

  #settle(): void {
    // To look for a number in it, the engine makes it one piece, and ends with its first letter. Other engines lose nothing by it.
    Number(this.#pending);
    this.#settled += this.#pending;
    this.#pending = "";
  }
}
