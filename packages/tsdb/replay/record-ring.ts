// The writing side of the ring of records: places for their bytes, given back in order.
import { type AheadWords, Entry, RING_BYTES, RING_RECORDS, Word } from "./ahead-words.ts";

/** Records of more bytes than this do not go through the ring. */
export const MAX_RING_RECORD: number = RING_BYTES / 4;

/** Used by the second thread. */
export class RecordRing {
  readonly #shared: AheadWords;
  /** Bytes ever given out, the gaps at the ring's end included, up to and with each record in the ring. */
  readonly #ends = new Float64Array(RING_RECORDS);
  #written = 0;

  constructor(shared: AheadWords) {
    this.#shared = shared;
  }

  /** Puts in `bytes[start, end)` and returns the position of its entry; -1 when there is no room yet. */
  put(bytes: Uint8Array, start: number, end: number, segment: number, offset: number): number {
    const shared = this.#shared;
    const record = shared.get(Word.produced);
    const done = shared.get(Word.done);
    if (record - done >= RING_RECORDS) return -1;
    const length = end - start;
    let at = this.#written;
    if ((at % RING_BYTES) + length > RING_BYTES) at += RING_BYTES - (at % RING_BYTES);
    const freed = done === 0 ? 0 : (this.#ends[(done - 1) % RING_RECORDS] as number);
    if (at + length - freed > RING_BYTES) return -1;
    this.#written = at + length;
    this.#ends[record % RING_RECORDS] = this.#written;
    shared.data.set(bytes.subarray(start, end), at % RING_BYTES);
    const entry = shared.entryOf(record);
    const { entries } = shared;
    entries[entry + Entry.at] = at % RING_BYTES;
    entries[entry + Entry.length] = length;
    entries[entry + Entry.segment] = segment;
    entries[entry + Entry.offset] = offset;
    entries[entry + Entry.soundness] = 0;
    return entry;
  }
}
