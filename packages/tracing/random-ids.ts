// Ids of traces and spans: random bytes, drawn in stock so that one id costs no call of the system.
import { randomFillSync } from "node:crypto";

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;
const STOCK_BYTES = 4096;

/** Fills bytes with chance. */
export type FillRandom = (bytes: Uint8Array) => void;

export class RandomIds {
  readonly #fill: FillRandom;
  readonly #stock = Buffer.alloc(STOCK_BYTES);
  #at = STOCK_BYTES;

  /** `fill` is the system's source of chance unless given. */
  constructor(fill: FillRandom = randomFillSync) {
    this.#fill = fill;
  }

  /** The id of the span that begins next; never all zeros. */
  spanId(): string {
    for (;;) {
      const from = this.#take(SPAN_BYTES);
      if (!this.#isZero(from, SPAN_BYTES)) return this.#stock.toString("hex", from, from + SPAN_BYTES);
    }
  }

  /**
   * The id of a new trace, if the draw falls below `share` of all ids: its second half, without its lowest bit, decides. Undefined
   * otherwise, at the price of two numbers. Source: OpenTelemetry's TraceIdRatioBased, as the reference's SDK has it.
   */
  traceIdBelow(share: number): string | undefined {
    if (!(share > 0)) return undefined;
    const from = this.#take(TRACE_BYTES);
    if (share < 1) {
      const high = this.#stock.readUInt32BE(from + 8);
      const low = this.#stock.readUInt32BE(from + 12);
      if ((high * 2 ** 32 + low) / 2 >= share * 2 ** 63) return undefined;
    }
    if (this.#isZero(from, TRACE_BYTES)) return this.traceIdBelow(share);
    return this.#stock.toString("hex", from, from + TRACE_BYTES);
  }

  #take(count: number): number {
    if (this.#at + count > STOCK_BYTES) {
      this.#fill(this.#stock);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += count;
    return from;
  }

  #isZero(from: number, count: number): boolean {
    for (let i = from; i < from + count; i++) if (this.#stock[i] !== 0) return false;
    return true;
  }
}
