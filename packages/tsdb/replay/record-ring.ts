// The writing side of the ring of records: places for their bytes, given back in order.
import { type LaneWords, RING_BYTES, RING_RECORDS, Word } from "./lane-words.ts";

/** Records of more bytes than this do not go through the ring. */
export const MAX_RING_RECORD: number = RING_BYTES / 2;

/** Used by the second thread. */
export class RecordRing {
  readonly #shared: LaneWords;
  /** Bytes ever given out, the gaps at the ring's end included, up to and with each record in the ring. */
  readonly #ends = new Float64Array(RING_RECORDS);
  #written = 0;

  constructor(shared: LaneWords) {
    this.#shared = shared;
  }

  /** Puts in `bytes[start, end)`; false when there is no room yet. */
  put(bytes: Uint8Array, start: number, end: number, segment: number, offset: number): boolean {
    const shared = this.#shared;
    const record = shared.get(Word.produced);
    const done = Math.min(shared.get(Word.mainDone), shared.get(Word.laneDone));
    if (record - done >= RING_RECORDS) return false;
    const length = end - start;
    let at = this.#written;
    if ((at % RING_BYTES) + length > RING_BYTES) at += RING_BYTES - (at % RING_BYTES);
    const freed = done === 0 ? 0 : (this.#ends[(done - 1) % RING_RECORDS] as number);
    if (at + length - freed > RING_BYTES) return false;
    this.#written = at + length;
    this.#ends[record % RING_RECORDS] = this.#written;
    shared.data.set(bytes.subarray(start, end), at % RING_BYTES);
    const entry = shared.entryOf(record);
    shared.entries[entry] = at % RING_BYTES;
    shared.entries[entry + 1] = length;
    shared.entries[entry + 2] = segment;
    shared.entries[entry + 3] = offset;
    shared.set(Word.produced, record + 1);
    return true;
  }
}
