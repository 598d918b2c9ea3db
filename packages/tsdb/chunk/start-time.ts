// Start timestamps in chunks that have room for them: XOR2 (encoding 4) and the start forms of histograms (5 and 6).
//
// A header byte says whether the first sample has one (highest bit) and from which sample on they differ from it (seven bits; 0:
// never). From there on each sample is followed by the distance of its start timestamp to the time of the sample before it: the
// first time whole, then as change of the last distance. Source: tsdb/chunkenc/st.go of the reference.
import type { BitReader, BitWriter } from "@narthex/encoding";
import { readVarbitInt, writeVarbitInt } from "./varbit.ts";

/** In the header byte: the first sample has a start timestamp. */
export const FIRST_START = 0x80;
/** In the header byte: the sample from which on start timestamps stand behind samples. */
export const CHANGE_MASK = 0x7f;
/** Seven bits count no further: from this sample on start timestamps always stand there. */
export const LAST_CHANGE = 127;
const TWO_32 = 0x1_0000_0000;
/** Times and start timestamps within this have exact differences of differences. */
const MAX_EXACT = 2 ** 51;

/** The start timestamp that is kept with a sample of time `t`: 0 (unknown) where their difference would not be exact. */
export function storableStartTime(t: number, startTime: number): number {
  const isExact = Math.abs(startTime) <= MAX_EXACT && Math.abs(t) <= MAX_EXACT && Number.isInteger(startTime);
  return isExact ? startTime : 0;
}

/** Writes what stands behind the samples of one chunk. */
export class StartTimeEncoder {
  /** The header byte, as far as the samples so far go. */
  header = 0;
  #startTime = 0;
  #distance = 0;

  /** Writes what follows sample `index` of time `t`, which must be the next one. `previousTime` counts from the second on. */
  write(into: BitWriter, index: number, t: number, previousTime: number, startTime: number): void {
    if (index === 0) {
      if (startTime !== 0) {
        const distance = t - startTime;
        into.varint64(Math.floor(distance / TWO_32) >>> 0, distance >>> 0);
        this.header = FIRST_START;
      }
    } else if ((this.header & CHANGE_MASK) !== 0) {
      const distance = previousTime - startTime;
      writeVarbitInt(into, distance - this.#distance);
      this.#distance = distance;
    } else if (startTime !== this.#startTime || index === LAST_CHANGE) {
      this.header |= index;
      this.#distance = previousTime - startTime;
      writeVarbitInt(into, this.#distance);
    }
    this.#startTime = startTime;
  }
}

/** Reads what `StartTimeEncoder` wrote. */
export class StartTimeDecoder {
  readonly #changeAt: number;
  readonly #hasFirst: boolean;
  #startTime = 0;
  #distance = 0;

  constructor(header: number) {
    this.#hasFirst = (header & FIRST_START) !== 0;
    this.#changeAt = header & CHANGE_MASK;
  }

  /** The start timestamp of sample `index`, the next one; the reader stands behind the sample, and then behind what follows it. */
  next(reader: BitReader, index: number, t: number, previousTime: number): number {
    if (index === 0) {
      if (this.#hasFirst) {
        reader.varint64();
        this.#startTime = t - ((reader.high | 0) * TWO_32 + reader.low);
      }
    } else if (this.#changeAt !== 0 && index >= this.#changeAt) {
      const read = readVarbitInt(reader);
      this.#distance = index === this.#changeAt ? read : this.#distance + read;
      this.#startTime = previousTime - this.#distance;
    }
    return this.#startTime;
  }
}
