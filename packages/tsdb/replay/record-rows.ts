// Many records of the ring at a time: those of the same series in the same order, such as a target's scrapes, are appended series by
// series (kernels/assembly/rows.ts).
import type { Head } from "../head/head.ts";
import { KERNEL_SAMPLES } from "../kernels/desk.ts";
import { ALL_COLUMNS, type Kernels, MAX_ROWS, Soundness } from "../kernels/kernels.ts";
import { SAMPLES_HEADER_BYTES, samplesBase } from "../wal/record.ts";
import { type AheadWords, Entry, RING_RECORDS } from "./ahead-words.ts";

/** A sample in a record: distances of ref and time, a byte each at least, and the value. */
const MIN_SAMPLE_BYTES = 10;

/** Used by the main thread of a replay. */
export class RecordRows {
  readonly #shared: AheadWords;
  readonly #head: Head;
  readonly #kernels: Kernels;
  /** Where records go on whose samples were taken ahead, by place in the ring; 0: at their beginning. */
  readonly #resumes = new Uint32Array(RING_RECORDS);
  readonly #rows = new Uint32Array(MAX_ROWS);

  constructor(shared: AheadWords, head: Head, kernels: Kernels) {
    this.#shared = shared;
    this.#head = head;
    this.#kernels = kernels;
  }

  /**
   * Where the samples of a record begin that are still to be applied: behind those that were taken ahead, with an earlier record or
   * now, with later ones before `end`. The order of what is applied may differ from the log's for different series, and for no other.
   */
  take(record: number, end: number): number {
    const place = record % RING_RECORDS;
    if (this.#resumes[place] === 0) this.#append(this.#gather(record, end));
    const rest = this.#resumes[place] as number;
    this.#resumes[place] = 0;
    return rest;
  }

  /** Makes rows of a record and of later ones with the same series; returns how many. */
  #gather(record: number, end: number): number {
    const { entries } = this.#shared;
    const rows = this.#rows;
    const first = this.#shared.entryOf(record);
    rows[0] = record;
    // A record that has a series twice must be through before the next one.
    if (entries[first + Entry.soundness] !== Soundness.growing) return 1;
    const shape = entries[first + Entry.shape] as number;
    const lowest = entries[first + Entry.lowestRef] as number;
    const highest = entries[first + Entry.highestRef] as number;
    let count = 1;
    for (let later = record + 1; later < end && count < MAX_ROWS; later++) {
      const entry = this.#shared.entryOf(later);
      const soundness = entries[entry + Entry.soundness] as number;
      // Nothing is taken across what is no record of samples, or a damaged one.
      if (soundness === Soundness.unsure) break;
      if (
        (entries[entry + Entry.lowestRef] as number) > highest ||
        (entries[entry + Entry.highestRef] as number) < lowest
      )
        continue;
      // Some of the series, others too, or in another order: these samples come first.
      if (
        soundness !== Soundness.growing ||
        entries[entry + Entry.shape] !== shape ||
        entries[entry + Entry.lowestRef] !== lowest ||
        entries[entry + Entry.highestRef] !== highest ||
        this.#resumes[later % RING_RECORDS] !== 0
      )
        break;
      rows[count++] = later;
    }
    return count;
  }

  #append(count: number): void {
    const { data, entries } = this.#shared;
    const kernels = this.#kernels;
    let shortest = Infinity;
    for (let row = 0; row < count; row++) {
      const entry = this.#shared.entryOf(this.#rows[row] as number);
      const start = entries[entry + Entry.at] as number;
      const end = start + (entries[entry + Entry.length] as number);
      const { ref, time } = samplesBase(data, start, end);
      kernels.setRow(row, data, start + SAMPLES_HEADER_BYTES, end, ref, time);
      shortest = Math.min(shortest, end - start - SAMPLES_HEADER_BYTES);
    }
    // Room is made for so many samples: a head that is nearly full must not be asked for more than there are.
    const columns = Math.min(Math.floor(KERNEL_SAMPLES / count), Math.ceil(shortest / MIN_SAMPLE_BYTES));
    for (let isAligned = true; isAligned; ) {
      const stopped = this.#head.appendRows(kernels, count, columns);
      isAligned = stopped !== count;
      if (stopped === ALL_COLUMNS) continue;
      // A sample that is not for kernels: it and those of the rows behind it go one by one.
      for (let row = stopped; row < count && isAligned; row++) {
        isAligned = kernels.decodeFromRow(row);
        if (isAligned) this.#head.applyDecoded(kernels, 1);
      }
    }
    for (let row = 0; row < count; row++) {
      this.#resumes[(this.#rows[row] as number) % RING_RECORDS] = kernels.rowPosition(row, data);
    }
  }
}
