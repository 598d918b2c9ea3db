// Chunks that are full: they first stay in their slots, then go to `chunks_head` in batches, which frees the slots.
import {
  FINISHED_WORDS,
  type HeadMemory,
  RECORD_WORDS,
  SLOT_DATA_WORDS,
  SLOT_LINK,
  SLOT_WORDS,
} from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { Reclaimer } from "./reclaimer.ts";
import {
  BITS_SHIFT,
  encodingOf,
  FIN_COUNT_MASK,
  FIN_ENCODING_SHIFT,
  Fin,
  FORM_MASK,
  IN_SLOTS,
  NO_WINDOW,
  openCount,
  openWords,
  Rec,
} from "./record.ts";

/** What nearly all chunks fit in: those of floats take 1,024 bytes at most; of histograms a single one may take more. */
const USUAL_CHUNK_BYTES = 2560;
/** Chunks moved to disk between two windows. */
const BATCH = 256;

/** Where full chunks go. */
export interface ChunkSink {
  /** Writes one chunk (`bytes[start, end)` from its count on) and returns where it will be found. Throws when the disk refuses. */
  write(
    ref: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ChunkPlace;
  /** Makes everything written readable by others. */
  flush(): void;
}

export interface ChunkPlace {
  readonly file: number;
  readonly offset: number;
}

/** A chunk's bytes, made from slots: `bytes[start, end)`, valid until the next call with the same buffer. */
export class ChunkBuffer {
  words: Uint32Array = new Uint32Array(USUAL_CHUNK_BYTES / 4);
  bytes: Uint8Array = new Uint8Array(this.words.buffer);
  readonly start = 2;
  end = 2;

  /** Copies `dataBytes` of a bit stream from slots, with `unfinished` behind the finished words, and puts the count in front. */
  fill(
    slots: Uint32Array,
    firstSlot: number,
    dataBytes: number,
    count: number,
    finishedWords: number,
    unfinished: number,
  ): void {
    if (finishedWords + 2 > this.words.length) {
      this.words = new Uint32Array(finishedWords * 2);
      this.bytes = new Uint8Array(this.words.buffer);
    }
    const { words } = this;
    // The two bytes of the count end where the second word begins.
    words[0] = (((count & 0xff) << 24) | ((count & 0xff00) << 8)) >>> 0;
    let slot = firstSlot * SLOT_WORDS;
    let inSlot = 0;
    for (let i = 0; i < finishedWords; i++) {
      if (inSlot === SLOT_DATA_WORDS) {
        slot = slots[slot + SLOT_LINK] * SLOT_WORDS;
        inSlot = 0;
      }
      const word = slots[slot + inSlot++];
      words[i + 1] = (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
    }
    words[finishedWords + 1] =
      (unfinished << 24) | ((unfinished & 0xff00) << 8) | ((unfinished >>> 8) & 0xff00) | (unfinished >>> 24);
    this.end = 4 + dataBytes;
  }
}

/** Used by the single writer. */
export class FinishedChunks {
  readonly #memory: HeadMemory;
  readonly #cells: Pool;
  readonly #slotPool: Pool;
  readonly #reclaimer: Reclaimer;
  readonly #buffer = new ChunkBuffer();
  /** Cells still in slots with their series' refs, a ring of pairs. */
  #pending = new Uint32Array(2048);
  #head = 0;
  #tail = 0;
  /** Chunks moved to disk since the start. */
  movedCount = 0;
  /** Chunks that have a place on disk but may not be readable there yet; at most one batch. */
  #placed: { readonly cell: number; readonly place: ChunkPlace }[] = [];

  constructor(memory: HeadMemory, cells: Pool, slotPool: Pool, reclaimer: Reclaimer) {
    this.#memory = memory;
    this.#cells = cells;
    this.#slotPool = slotPool;
    this.#reclaimer = reclaimer;
  }

  /** Full chunks that still occupy slots. */
  get pendingCount(): number {
    return this.#head - this.#tail + this.#placed.length;
  }

  /** Takes a series' chunk as finished; the record is ready for a new chunk. Inside a write window. */
  cut(record: number, ref: number): void {
    const { series, seriesFloats, slots, finished, finishedFloats } = this.#memory;
    const base = record * RECORD_WORDS;
    const packed = series[base + Rec.packed];
    const form = series[base + Rec.kind] & FORM_MASK;
    const bits = (packed >>> BITS_SHIFT) & 31;
    const words = openWords(form, packed, series[base + Rec.delta]);
    if (bits > 0) {
      const index = words % SLOT_DATA_WORDS;
      let slot = series[base + Rec.currentSlot];
      if (index === 0 && words !== 0) {
        const next = this.#slotPool.take();
        slots[next * SLOT_WORDS + SLOT_LINK] = 0;
        slots[slot * SLOT_WORDS + SLOT_LINK] = next;
        slot = next;
      }
      slots[slot * SLOT_WORDS + index] = series[base + Rec.unfinished];
    }
    const cell = this.#cells.take();
    const at = cell * FINISHED_WORDS;
    finishedFloats[(at + Fin.minTime) >> 1] = seriesFloats[(base + Rec.nextCut) >> 1] - series[base + Rec.cutAhead];
    finishedFloats[(at + Fin.maxTime) >> 1] = seriesFloats[(base + Rec.lastTime) >> 1];
    finished[at + Fin.older] = series[base + Rec.finished];
    finished[at + Fin.info] = (IN_SLOTS | (encodingOf(form) << FIN_ENCODING_SHIFT) | openCount(form, packed)) >>> 0;
    finished[at + Fin.file] = series[base + Rec.firstSlot];
    finished[at + Fin.offset] = words * 4 + ((bits + 7) >>> 3);
    series[base + Rec.finished] = cell;
    series[base + Rec.packed] = NO_WINDOW;
    series[base + Rec.unfinished] = 0;
    series[base + Rec.firstSlot] = series[base + Rec.currentSlot] = 0;
    this.#push(cell, ref);
  }

  /** A chunk that a kernel cut: its cell, and the ref of its series. */
  adoptCut(cell: number, ref: number): void {
    this.#push(cell, ref);
  }

  /**
   * A chunk that already lies on disk (replay), put where its times belong. False when it overlaps another one of the series;
   * nothing changes then. Inside a write window.
   */
  adopt(record: number, minTime: number, maxTime: number, encoding: number, count: number, place: ChunkPlace): boolean {
    const { series, finished, finishedFloats } = this.#memory;
    const minTimeOf = (cell: number): number => finishedFloats[(cell * FINISHED_WORDS + Fin.minTime) >> 1];
    const maxTimeOf = (cell: number): number => finishedFloats[(cell * FINISHED_WORDS + Fin.maxTime) >> 1];
    let newer = 0;
    let older = series[record * RECORD_WORDS + Rec.finished];
    while (older !== 0 && minTimeOf(older) > maxTime) {
      newer = older;
      older = finished[older * FINISHED_WORDS + Fin.older];
    }
    if (older !== 0 && maxTimeOf(older) >= minTime) return false;
    const cell = this.#cells.take();
    const at = cell * FINISHED_WORDS;
    finishedFloats[(at + Fin.minTime) >> 1] = minTime;
    finishedFloats[(at + Fin.maxTime) >> 1] = maxTime;
    finished[at + Fin.older] = older;
    finished[at + Fin.info] = (encoding << FIN_ENCODING_SHIFT) | count;
    finished[at + Fin.file] = place.file;
    finished[at + Fin.offset] = place.offset;
    if (newer === 0) series[record * RECORD_WORDS + Rec.finished] = cell;
    else finished[newer * FINISHED_WORDS + Fin.older] = cell;
    return true;
  }

  /**
   * Moves up to `limit` chunks from slots to the sink. When the sink throws, chunks stay in their slots and are tried again
   * next time (those that were given a place keep it); the error goes on to the caller.
   */
  moveOut(sink: ChunkSink, limit: number): void {
    const { slots, finished, finishedFloats } = this.#memory;
    let left = limit;
    for (;;) {
      while (left > 0 && this.#placed.length < BATCH && this.#tail < this.#head) {
        const entry = (this.#tail % (this.#pending.length / 2)) * 2;
        const cell = this.#pending[entry];
        left--;
        // A cell that was freed meanwhile (its series was truncated) is marked by 0.
        if (cell !== 0) {
          const word = cell * FINISHED_WORDS;
          const dataBytes = finished[word + Fin.offset];
          const info = finished[word + Fin.info];
          const count = info & FIN_COUNT_MASK;
          this.#buffer.fill(slots, finished[word + Fin.file], dataBytes, count, (dataBytes + 3) >>> 2, 0);
          const place = sink.write(
            this.#pending[entry + 1],
            finishedFloats[(word + Fin.minTime) >> 1],
            finishedFloats[(word + Fin.maxTime) >> 1],
            (info >>> FIN_ENCODING_SHIFT) & 0x7fff,
            this.#buffer.bytes,
            this.#buffer.start,
            this.#buffer.end,
          );
          this.#placed.push({ cell, place });
        }
        this.#tail++;
      }
      if (this.#placed.length === 0) return;
      sink.flush();
      this.#publish();
      if (left <= 0 || this.#tail === this.#head) return;
    }
  }

  /** From now on readers find the placed chunks on disk. */
  #publish(): void {
    const { control, finished } = this.#memory;
    openWindow(control);
    for (const { cell, place } of this.#placed) {
      const word = cell * FINISHED_WORDS;
      const firstSlot = finished[word + Fin.file];
      finished[word + Fin.file] = place.file;
      finished[word + Fin.offset] = place.offset;
      finished[word + Fin.info] &= ~IN_SLOTS;
      this.#reclaimer.laterChain(firstSlot);
    }
    closeWindow(control);
    this.movedCount += this.#placed.length;
    this.#placed.length = 0;
  }

  /** Forgets all chunks of a series that end before `minTime` (all with Infinity). Returns how many went. */
  truncate(record: number, minTime: number): number {
    const { control, series, finished, finishedFloats } = this.#memory;
    const base = record * RECORD_WORDS;
    let kept = 0;
    let cell = series[base + Rec.finished];
    // Newest first: the first one that ends before is followed by older ones only.
    while (cell !== 0 && finishedFloats[(cell * FINISHED_WORDS + Fin.maxTime) >> 1] >= minTime) {
      kept = cell;
      cell = finished[cell * FINISHED_WORDS + Fin.older];
    }
    if (cell === 0) return 0;
    openWindow(control);
    if (kept === 0) series[base + Rec.finished] = 0;
    else finished[kept * FINISHED_WORDS + Fin.older] = 0;
    closeWindow(control);
    const first = cell;
    let count = 0;
    for (; cell !== 0; cell = finished[cell * FINISHED_WORDS + Fin.older], count++) {
      if (finished[cell * FINISHED_WORDS + Fin.info] >= IN_SLOTS) this.#unqueue(cell);
    }
    this.#reclaimer.later(() => {
      for (let dead = first; dead !== 0; ) {
        const older = finished[dead * FINISHED_WORDS + Fin.older];
        if (finished[dead * FINISHED_WORDS + Fin.info] >= IN_SLOTS)
          this.freeSlots(finished[dead * FINISHED_WORDS + Fin.file]);
        this.#cells.give(dead);
        dead = older;
      }
    });
    return count;
  }

  /** Gives a chain of slots back to the pool. */
  freeSlots(firstSlot: number): void {
    const { slots } = this.#memory;
    for (let slot = firstSlot; slot !== 0; ) {
      const next = slots[slot * SLOT_WORDS + SLOT_LINK];
      this.#slotPool.give(slot);
      slot = next;
    }
  }

  #push(cell: number, ref: number): void {
    const capacity = this.#pending.length / 2;
    if (this.#head - this.#tail === capacity) {
      const grown = new Uint32Array(this.#pending.length * 2);
      for (let i = 0; i < capacity; i++) {
        const from = ((this.#tail + i) % capacity) * 2;
        grown[i * 2] = this.#pending[from];
        grown[i * 2 + 1] = this.#pending[from + 1];
      }
      this.#pending = grown;
      this.#tail = 0;
      this.#head = capacity;
    }
    const at = (this.#head++ % (this.#pending.length / 2)) * 2;
    this.#pending[at] = cell;
    this.#pending[at + 1] = ref;
  }

  #unqueue(cell: number): void {
    this.#placed = this.#placed.filter((placed) => placed.cell !== cell);
    const capacity = this.#pending.length / 2;
    for (let i = this.#tail; i < this.#head; i++) {
      if (this.#pending[(i % capacity) * 2] !== cell) continue;
      this.#pending[(i % capacity) * 2] = 0;
      return;
    }
  }
}
