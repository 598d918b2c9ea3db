// Text as bytes, encoded by the few kilobytes. Between that, the engine keeps what is appended as a tree of its parts; a tree for a whole
// exposition would outlive collections of young garbage and make each of them long, one for some hundred lines never does.
import { formatOpenMetricsValue, formatValue } from "./number-format.ts";

const encoder = new TextEncoder();

/** How much waits to be encoded. */
const PENDING_CHARS = 8192;

/** UTF-8 that grows at its end. */
export class TextBuffer {
  #bytes = new Uint8Array(2048);
  #length = 0;
  #pending = "";

  /** Number of bytes, give or take those of characters outside ASCII that wait to be encoded. */
  get length(): number {
    return this.#length + this.#pending.length;
  }

  /** Hands over what there is, in memory of its own, and begins anew. */
  take(): Uint8Array {
    this.#encode();
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  text(text: string): void {
    this.#pending += text;
    if (this.#pending.length > PENDING_CHARS) this.#encode();
  }

  /** A number as the text format writes it. */
  value(value: number): void {
    this.#pending += formatValue(value);
  }

  /** A float as OpenMetrics writes it. */
  openMetricsValue(value: number): void {
    this.#pending += formatOpenMetricsValue(value);
  }

  #encode(): void {
    const pending = this.#pending;
    const needed = this.#length + pending.length * 3;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#bytes.length * 2, needed));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#length += encoder.encodeInto(pending, this.#bytes.subarray(this.#length)).written;
    this.#pending = "";
  }
}
