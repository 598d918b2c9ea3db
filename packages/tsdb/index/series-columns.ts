// Series of an index as they were read, side by side in arrays, with their chunks and what these were decoded to: what a
// query needs of a series, without an object each.
import { Labels } from "@narthex/model";
import { type DecodedChunk, renewed, weightOf } from "../chunk/decoded-chunk.ts";
import { readBudget } from "./read-cache.ts";

/** Bytes that a series takes besides its chunks: its row, two places of the table, a share of its labels. */
const SERIES_BYTES = 48;
const CHUNK_BYTES = 4 * 8;
/** A decoded sample takes about so many bytes. */
const SAMPLE_BYTES = 4;
const FIRST_ROWS = 64;

/**
 * Of each chunk of a series: first and last time (milliseconds) and reference (file index times 2^32 plus offset). They
 * stand from `first` on, `chunkCount` of them.
 */
export interface SeriesChunks {
  readonly first: number;
  readonly chunkCount: number;
  readonly minTimes: Float64Array;
  readonly maxTimes: Float64Array;
  readonly refs: Float64Array;
}

/** A series with its labels. Valid until the next one is asked for. */
export interface SeriesEntry extends SeriesChunks {
  readonly labels: Labels;
  /** What its chunks were decoded to, at the same positions; whoever decodes one may put it there with `keepDecoded`. */
  readonly decoded: (DecodedChunk | undefined)[];
}

/** How many series one selection may put into the cache: a third of a generation. */
export function maxKeptSeries(): number {
  return readBudget.total / (6 * (SERIES_BYTES + CHUNK_BYTES));
}

/** How many decoded samples one selection may put into the cache: two thirds of a generation. */
export function maxKeptSamples(): number {
  return readBudget.total / (3 * SAMPLE_BYTES);
}

/** Keeps a decoded chunk with its series. */
export function keepDecoded({ decoded }: SeriesEntry, at: number, chunk: DecodedChunk): void {
  decoded[at] = chunk;
  readBudget.spend(weightOf(chunk));
}

/** One generation: rows in the order in which series were read. */
class Generation {
  #ids = new Uint32Array(FIRST_ROWS);
  #labels: Labels[] = [];
  /** Where the chunks of row `i` begin; those of the next one begin where they end. */
  #starts = new Uint32Array(FIRST_ROWS + 1);
  /** Open addressing: row plus 1, 0 for free. At least twice as many places as rows. */
  #table = new Uint32Array(2 * FIRST_ROWS);
  #minTimes = new Float64Array(FIRST_ROWS);
  #maxTimes = new Float64Array(FIRST_ROWS);
  #refs = new Float64Array(FIRST_ROWS);
  readonly #decoded: (DecodedChunk | undefined)[] = [];
  /** The row behind the one found last: series are mostly asked for in the order in which they came. */
  #next = 0;

  /** The row of a series, -1 when it is not here. */
  find(id: number): number {
    const next = this.#next;
    if (next < this.#labels.length && this.#ids[next] === id) {
      this.#next = next + 1;
      return next;
    }
    const table = this.#table;
    const mask = table.length - 1;
    for (let place = hashOf(id) & mask; table[place] !== 0; place = (place + 1) & mask) {
      const row = (table[place] as number) - 1;
      if (this.#ids[row] !== id) continue;
      this.#next = row + 1;
      return row;
    }
    return -1;
  }

  view(row: number, into: View): SeriesEntry {
    into.labels = this.#labels[row] as Labels;
    into.first = this.#starts[row] as number;
    into.chunkCount = (this.#starts[row + 1] as number) - into.first;
    into.minTimes = this.#minTimes;
    into.maxTimes = this.#maxTimes;
    into.refs = this.#refs;
    into.decoded = this.#decoded;
    return into;
  }

  /** Adds a series that is not here; returns its row. */
  add(id: number, labels: Labels, chunks: SeriesChunks, decoded: SeriesEntry["decoded"]): number {
    const row = this.#labels.push(labels) - 1;
    if (row === this.#ids.length) {
      this.#ids = grown(new Uint32Array(2 * row), this.#ids);
      this.#starts = grown(new Uint32Array(2 * row + 1), this.#starts);
    }
    this.#ids[row] = id;
    const { first, chunkCount } = chunks;
    const start = this.#starts[row] as number;
    const end = start + chunkCount;
    if (end > this.#refs.length) {
      const capacity = 2 * this.#refs.length + chunkCount;
      this.#minTimes = grown(new Float64Array(capacity), this.#minTimes);
      this.#maxTimes = grown(new Float64Array(capacity), this.#maxTimes);
      this.#refs = grown(new Float64Array(capacity), this.#refs);
    }
    for (let i = 0; i < chunkCount; i++) {
      this.#minTimes[start + i] = chunks.minTimes[first + i] as number;
      this.#maxTimes[start + i] = chunks.maxTimes[first + i] as number;
      this.#refs[start + i] = chunks.refs[first + i] as number;
      const known = decoded[first + i];
      this.#decoded.push(known === undefined ? undefined : renewed(known));
    }
    this.#starts[row + 1] = end;
    if (2 * (row + 1) > this.#table.length) this.#rehash();
    else this.#enter(row);
    return row;
  }

  #rehash(): void {
    this.#table = new Uint32Array(2 * this.#table.length);
    for (let row = 0; row < this.#labels.length; row++) this.#enter(row);
  }

  #enter(row: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let place = hashOf(this.#ids[row] as number) & mask;
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = row + 1;
  }
}

interface View {
  labels: Labels;
  first: number;
  chunkCount: number;
  minTimes: Float64Array;
  maxTimes: Float64Array;
  refs: Float64Array;
  decoded: (DecodedChunk | undefined)[];
}

const NONE_DECODED: (DecodedChunk | undefined)[] = [];

/** The series of one index that are kept. All of a thread share one bound; see `CacheBudget` for what is forgotten. */
export class SeriesColumns {
  #young = new Generation();
  #old = new Generation();
  readonly #view: View;

  constructor() {
    const none = new Float64Array(0);
    const chunks = { first: 0, chunkCount: 0, minTimes: none, maxTimes: none, refs: none };
    this.#view = { labels: Labels.empty, ...chunks, decoded: NONE_DECODED };
    readBudget.join(this);
  }

  /** A series by its id, undefined when it is not kept. */
  get(id: number): SeriesEntry | undefined {
    const row = this.#young.find(id);
    if (row >= 0) return this.#young.view(row, this.#view);
    const old = this.#old.find(id);
    if (old < 0) return undefined;
    const entry = this.#old.view(old, this.#view);
    return this.#add(id, entry.labels, entry, entry.decoded);
  }

  /** Keeps a series that is not kept yet. */
  add(id: number, labels: Labels, chunks: SeriesChunks): SeriesEntry {
    return this.#add(id, labels, chunks, NONE_DECODED);
  }

  #add(id: number, labels: Labels, chunks: SeriesChunks, decoded: SeriesEntry["decoded"]): SeriesEntry {
    const { first, chunkCount } = chunks;
    let weight = SERIES_BYTES + CHUNK_BYTES * chunkCount;
    for (let i = first; i < first + chunkCount; i++) {
      const known = decoded[i];
      if (known !== undefined) weight += weightOf(known);
    }
    readBudget.spend(weight);
    const young = this.#young;
    return young.view(young.add(id, labels, chunks, decoded), this.#view);
  }

  /** Begins a new generation: called by the budget. */
  age(): void {
    this.#old = this.#young;
    this.#young = new Generation();
  }

  close(): void {
    readBudget.leave(this);
    this.#young = this.#old = new Generation();
  }
}

function hashOf(id: number): number {
  const mixed = Math.imul(id, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

function grown<T extends Uint32Array | Float64Array>(larger: T, array: T): T {
  larger.set(array);
  return larger;
}
