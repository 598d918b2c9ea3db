// Reading late samples, from any thread: open blocks under the sequence counter, full ones from disk or from memory.
import { SampleBuffer } from "@narthex/storage";
import { mergeRuns } from "../block/sample-merge.ts";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { beginCopy, copyHolds } from "../memory/window.ts";
import type { ChunkSource } from "./head-view.ts";
import { BLOCK_SAMPLES, blockWords, CELL_WORDS, Cell, Late, startsAt } from "./out-of-order-record.ts";
import { Cold } from "./record.ts";
import type { Snapshot } from "./snapshots.ts";

/** Longer chains than this come only from memory that was reused under a reader whose snapshot expired. */
const MAX_CHAIN = 1_000_000;
const MAX_BLOCK_WORDS = blockWords(BLOCK_SAMPLES, true);
/** Beyond so many samples the scratch memory is let go after use. */
const KEPT_SAMPLES = 1_000_000;

/** One thread's eyes on late samples. Not reentrant. */
export class OutOfOrderView {
  readonly #memory: HeadMemory;
  readonly #chunks: ChunkSource | undefined;
  /** Copies of the open block and of a full one. */
  readonly #block = new Uint32Array(MAX_BLOCK_WORDS);
  readonly #blockFloats = new Float64Array(this.#block.buffer);
  readonly #full = new Uint32Array(MAX_BLOCK_WORDS);
  readonly #fullFloats = new Float64Array(this.#full.buffer);
  readonly #cell = new Uint32Array(CELL_WORDS);
  readonly #cellFloats = new Float64Array(this.#cell.buffer);
  #samples = new SampleBuffer();

  constructor(memory: HeadMemory, chunks: ChunkSource | undefined) {
    this.#memory = memory;
    this.#chunks = chunks;
  }

  /** Whether a series has late samples that the snapshot may see with `minTime <= t <= maxTime`. */
  touches(record: number, snapshot: Snapshot, minTime: number, maxTime: number): boolean {
    const { times } = this.#range(record, snapshot, minTime, maxTime, true);
    return times[0] <= times[1];
  }

  /** Tells first and last time of all chunks of late samples, and each time of the open block. */
  spans(record: number, snapshot: Snapshot, visit: (first: number, last: number) => void): void {
    let cell = this.#copyOpen(record);
    const count = this.#block[Late.count];
    const epochs = Late.samples + 4 * this.#block[Late.capacity];
    for (let i = 0; i < count; i++) {
      const t = this.#blockFloats[(Late.samples >> 1) + i];
      if (((this.#block[epochs + i] - snapshot.epoch) | 0) <= 0) visit(t, t);
    }
    for (let i = 0; cell !== 0 && i < MAX_CHAIN; i++) {
      this.#copyCell(cell);
      visit(this.#cellFloats[Cell.minTime >> 1], this.#cellFloats[Cell.maxTime >> 1]);
      cell = this.#cell[Cell.older];
    }
  }

  /**
   * Merges the late samples with `minTime <= t <= maxTime` that the snapshot sees into those of `into` from `begin` on. Where both
   * have a sample of the same time, that of `into` stays.
   */
  merge(record: number, snapshot: Snapshot, minTime: number, maxTime: number, into: SampleBuffer, begin: number): void {
    if (this.#memory.cold[record * COLD_WORDS + Cold.outOfOrder] === 0) return;
    const samples = this.read(record, snapshot, minTime, maxTime);
    const middle = into.count;
    appendAll(samples, into);
    mergeRuns(into, begin, middle);
    if (samples.times.length > KEPT_SAMPLES) this.#samples = new SampleBuffer();
  }

  /** The late samples with `minTime <= t <= maxTime` that the snapshot sees, ascending; valid until the next call. */
  read(record: number, snapshot: Snapshot, minTime: number, maxTime: number): SampleBuffer {
    const into = this.#samples;
    into.clear();
    const { cells } = this.#range(record, snapshot, minTime, maxTime, false);
    // By time, so that most chunks simply follow each other; of the same time the older one comes first.
    const order = cells.reverse().sort((a, b) => a.minTime - b.minTime);
    for (const { block, file, offset } of order) {
      const middle = into.count;
      if (block !== 0) {
        this.#copyFull(block);
        pushBlock(this.#full, this.#fullFloats, snapshot, minTime, maxTime, into);
      } else if (this.#chunks === undefined) throw new Error("a chunk lies on disk, but there is no disk");
      else this.#chunks.read(file, offset, minTime, maxTime, into);
      mergeRuns(into, 0, middle);
    }
    // The open block is the copy from before the chunks were looked up: by now it may be one of them.
    const middle = into.count;
    pushBlock(this.#block, this.#blockFloats, snapshot, minTime, maxTime, into);
    mergeRuns(into, 0, middle);
    return into;
  }

  /** What of a series touches a time range: chunks (newest first), and the times that they and the open block span. */
  #range(record: number, snapshot: Snapshot, minTime: number, maxTime: number, isFirstEnough: boolean): Found {
    const cells: FoundCell[] = [];
    const times: [number, number] = [Infinity, -Infinity];
    let cell = this.#copyOpen(record);
    const block = this.#block;
    const count = block[Late.count];
    const epochs = Late.samples + 4 * block[Late.capacity];
    const floats = this.#blockFloats;
    const first = Late.samples >> 1;
    for (let i = 0; i < count; i++) {
      const t = floats[first + i];
      if (t < minTime || t > maxTime || ((block[epochs + i] - snapshot.epoch) | 0) > 0) continue;
      if (times[0] === Infinity) times[0] = t;
      times[1] = t;
    }
    for (let i = 0; cell !== 0 && i < MAX_CHAIN; i++) {
      if (isFirstEnough && times[0] <= times[1]) break;
      this.#copyCell(cell);
      const copy = this.#cell;
      const [from, to] = [this.#cellFloats[Cell.minTime >> 1], this.#cellFloats[Cell.maxTime >> 1]];
      const isNewer = ((copy[Cell.epoch] - snapshot.epoch) | 0) > 0;
      // A later chunk without a block came as a whole.
      if (from <= maxTime && to >= minTime && !(isNewer && copy[Cell.block] === 0)) {
        times[0] = Math.min(times[0], from);
        times[1] = Math.max(times[1], to);
        const isPartial = copy[Cell.file] === 0 || isNewer;
        const place = { minTime: from, block: isPartial ? copy[Cell.block] : 0 };
        cells.push({ ...place, file: copy[Cell.file], offset: copy[Cell.offset] });
      }
      cell = copy[Cell.older];
    }
    return { cells, times };
  }

  /** Copies the open block of a series, an empty one when it has none; returns the series' newest cell. */
  #copyOpen(record: number): number {
    const { control, cold } = this.#memory;
    for (;;) {
      const sequence = beginCopy(control);
      const address = cold[record * COLD_WORDS + Cold.outOfOrder];
      if (address === 0) this.#block.fill(0, 0, Late.samples);
      else this.#copyWords(address, this.#block);
      if (copyHolds(control, sequence)) return this.#block[Late.newestCell];
    }
  }

  #copyFull(address: number): void {
    const { control } = this.#memory;
    for (;;) {
      const sequence = beginCopy(control);
      this.#copyWords(address, this.#full);
      if (copyHolds(control, sequence)) return;
    }
  }

  #copyWords(address: number, block: Uint32Array): void {
    const { arena } = this.#memory;
    // While the writer is at work anything may stand there.
    const hasStarts = arena[address + Late.hasStarts] !== 0;
    const words = Math.min(MAX_BLOCK_WORDS, blockWords(arena[address + Late.capacity], hasStarts));
    for (let i = 0; i < words; i++) block[i] = arena[address + i];
    block[Late.count] = Math.min(block[Late.count], BLOCK_SAMPLES);
    block[Late.capacity] = Math.min(block[Late.capacity], BLOCK_SAMPLES);
  }

  #copyCell(cell: number): void {
    const { arena, control } = this.#memory;
    for (;;) {
      const sequence = beginCopy(control);
      for (let i = 0; i < CELL_WORDS; i++) this.#cell[i] = arena[cell + i];
      if (copyHolds(control, sequence)) return;
    }
  }
}

/** Adds what the snapshot sees of a copied block. */
function pushBlock(
  block: Uint32Array,
  floats: Float64Array,
  snapshot: Snapshot,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): void {
  const capacity = block[Late.capacity];
  const values = Late.samples + 2 * capacity;
  const epochs = values + 2 * capacity;
  for (let i = 0; i < block[Late.count]; i++) {
    const t = floats[(Late.samples >> 1) + i];
    if (t < minTime || t > maxTime || ((block[epochs + i] - snapshot.epoch) | 0) > 0) continue;
    into.pushBits(t, block[values + 2 * i + 1], block[values + 2 * i]);
    if (block[Late.hasStarts] === 0) continue;
    const startTime = floats[startsAt(capacity) + i];
    if (startTime !== 0) into.withStartTimes()[into.count - 1] = startTime;
  }
}

interface FoundCell {
  readonly minTime: number;
  /** The samples in memory, when the chunk holds more than the snapshot sees or lies nowhere; else 0. */
  readonly block: number;
  readonly file: number;
  readonly offset: number;
}

interface Found {
  readonly cells: FoundCell[];
  readonly times: readonly [first: number, last: number];
}

/** Adds all samples of one buffer to the end of another. */
function appendAll(samples: SampleBuffer, into: SampleBuffer): void {
  for (let i = 0; i < samples.count; i++) {
    const histogram = samples.histograms?.[i];
    if (histogram !== undefined) into.pushHistogram(samples.times[i], histogram);
    else into.pushBits(samples.times[i], samples.halves[2 * i + 1], samples.halves[2 * i]);
    const startTime = samples.startTimes?.[i] ?? 0;
    if (startTime !== 0) into.withStartTimes()[into.count - 1] = startTime;
  }
}
