// The series that a queue knows: their labels as they are sent, by the refs under which the log speaks of them.
import { ByteWriter, WireWriter } from "@narthex/encoding";
import type { Labels, Metadata, MetricType } from "@narthex/model";
import { ByteArena, RefMap, type SeriesRecordCursor } from "@narthex/tsdb";
import type { LabelProcessor } from "./series-labels.ts";
import { SymbolPool } from "./symbol-pool.ts";

/** Numbers of metric types, the same in both versions. */
export const METRIC_TYPES: Readonly<Record<MetricType, number>> = {
  unknown: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
};

/** Marks series that relabeling drops; they have no place in the arena. */
const DROPPED = -1;

export interface SeriesTableOptions {
  /** "labels": as label messages of version 1.0. "symbols": as numbers of `pool`, for version 2.0. */
  readonly form: "labels" | "symbols";
  readonly processor: LabelProcessor;
  /** Type and unit are those that the labels `__type__` and `__unit__` tell. For "symbols". */
  readonly typeAndUnitLabels?: boolean;
}

/**
 * About 40 bytes a series and its encoded labels. A slot (1 and up) stands for a series; slots of series that are gone are used
 * again only after `release`, since batches may still speak of them.
 */
export class SeriesTable {
  readonly pool: SymbolPool = new SymbolPool();
  readonly arena: ByteArena = new ByteArena();
  /** By slot: page and offset of the encoded labels (page `DROPPED`: none), and their length. */
  pages: Int32Array = new Int32Array(1024);
  starts: Uint32Array = new Uint32Array(1024);
  lengths: Uint32Array = new Uint32Array(1024);
  /** By slot, for version 2.0: what is known of the family; texts are numbers of the pool. */
  types: Uint8Array = new Uint8Array(1024);
  helps: Uint32Array = new Uint32Array(1024);
  units: Uint32Array = new Uint32Array(1024);
  readonly #options: SeriesTableOptions;
  readonly #slots = new RefMap();
  #refs = new Float64Array(1024);
  #segments = new Int32Array(1024);
  #used = 1;
  readonly #free: number[] = [];
  #leaving: number[] = [];
  readonly #writer = new WireWriter(1024);
  readonly #ids = new ByteWriter(256);

  constructor(options: SeriesTableOptions) {
    this.#options = options;
  }

  /** How many series are known, those that relabeling drops included. */
  get size(): number {
    return this.#slots.size;
  }

  /** The slot of a series; 0 when nothing is known of it. */
  slotOf(ref: number): number {
    return this.#slots.get(ref);
  }

  isDropped(slot: number): boolean {
    return this.pages[slot] === DROPPED;
  }

  /** The cursor's series, named in log segment (or checkpoint) number `segment`. A series that is known is replaced. */
  add(cursor: SeriesRecordCursor, segment: number): void {
    const { ref } = cursor;
    const known = this.#slots.get(ref);
    const bytes = this.#encode(cursor);
    if (known !== 0) {
      this.#segments[known] = segment;
      if (this.#isSame(known, bytes)) return;
      // Batches may speak of the old labels: the ref gets another slot.
      this.#leaving.push(known);
      this.#slots.delete(ref);
    }
    const slot = this.#free.pop() ?? this.#grow();
    this.#slots.set(ref, slot);
    this.#refs[slot] = ref;
    this.#segments[slot] = segment;
    this.types[slot] = known === 0 ? 0 : (this.types[known] as number);
    this.helps[slot] = this.#again(known === 0 ? 0 : (this.helps[known] as number));
    this.units[slot] = this.#again(known === 0 ? 0 : (this.units[known] as number));
    if (bytes === undefined) {
      this.pages[slot] = DROPPED;
      this.lengths[slot] = 0;
    } else {
      this.#place(slot, bytes.bytes, bytes.length);
      if (this.#typeAndUnit !== undefined) this.#setMetadata(slot, this.#typeAndUnit);
    }
  }

  /** A later segment or checkpoint names the series again. */
  touch(ref: number, segment: number): void {
    const slot = this.#slots.get(ref);
    if (slot !== 0) this.#segments[slot] = segment;
  }

  setMetadata(ref: number, metadata: Metadata): void {
    const slot = this.#slots.get(ref);
    if (slot === 0 || this.isDropped(slot)) return;
    if (this.#options.typeAndUnitLabels === true) {
      const { pool } = this;
      pool.release(this.helps[slot] as number);
      this.helps[slot] = pool.take(metadata.help);
    } else this.#setMetadata(slot, metadata);
  }

  /**
   * Forgets series that were last named before `segment`. Their slots stay as they are until `release`. Returns how many went.
   */
  forgetBefore(segment: number): number {
    const before = this.#leaving.length;
    for (let slot = 1; slot < this.#used; slot++) {
      const ref = this.#refs[slot] as number;
      if ((this.#segments[slot] as number) >= segment || this.#slots.get(ref) !== slot) continue;
      this.#slots.delete(ref);
      this.#leaving.push(slot);
    }
    return this.#leaving.length - before;
  }

  /** Whether slots wait for `release`. */
  get isLeaving(): boolean {
    return this.#leaving.length > 0;
  }

  /** Takes the slots that wait, to be given to `release` when no batch speaks of them any more. */
  takeLeaving(): readonly number[] {
    const leaving = this.#leaving;
    this.#leaving = [];
    return leaving;
  }

  /** Frees slots and what they held. */
  release(slots: readonly number[]): void {
    for (const slot of slots) {
      this.#drop(slot);
      this.pool.release(this.helps[slot] as number);
      this.pool.release(this.units[slot] as number);
      this.helps[slot] = 0;
      this.units[slot] = 0;
      this.types[slot] = 0;
      this.#segments[slot] = 0;
      this.#refs[slot] = -1;
      this.#free.push(slot);
    }
    this.#clearOut();
  }

  /** What `__type__` and `__unit__` of the series encoded last told. */
  #typeAndUnit: Metadata | undefined;

  /** The encoded labels, until the next call; undefined for a series that is dropped. */
  #encode(cursor: SeriesRecordCursor): ByteWriter | undefined {
    const { form, processor, typeAndUnitLabels } = this.#options;
    this.#typeAndUnit = undefined;
    if (form === "labels") {
      this.#writer.clear();
      return processor.write(cursor, this.#writer) ? this.#writer : undefined;
    }
    const labels = processor.labels(cursor);
    if (labels === undefined) return undefined;
    if (typeAndUnitLabels === true) this.#typeAndUnit = typeAndUnitOf(labels);
    this.#ids.clear();
    for (const text of labels.pairs) this.#ids.uvarint(this.pool.take(text));
    return this.#ids;
  }

  #isSame(slot: number, bytes: ByteWriter | undefined): boolean {
    if (bytes === undefined || this.isDropped(slot)) return bytes === undefined && this.isDropped(slot);
    const same =
      this.lengths[slot] === bytes.length &&
      Buffer.compare(this.arena.view(this.#placeOf(slot), bytes.length), bytes.view()) === 0;
    // Equal numbers are equal texts: those that were taken for the comparison go back.
    if (same && this.#options.form === "symbols") this.#releaseIds(bytes.bytes, 0, bytes.length);
    return same;
  }

  #place(slot: number, bytes: Uint8Array, length: number): void {
    const place = this.arena.add(bytes, length);
    this.pages[slot] = Math.floor(place / 2 ** 32);
    this.starts[slot] = place % 2 ** 32;
    this.lengths[slot] = length;
  }

  #placeOf(slot: number): number {
    return (this.pages[slot] as number) * 2 ** 32 + (this.starts[slot] as number);
  }

  #drop(slot: number): void {
    if (this.isDropped(slot)) return;
    const length = this.lengths[slot] as number;
    if (this.#options.form === "symbols") {
      const start = this.starts[slot] as number;
      this.#releaseIds(this.arena.pages[this.pages[slot] as number] as Uint8Array, start, start + length);
    }
    this.arena.remove(this.#placeOf(slot), length);
    this.pages[slot] = DROPPED;
    this.lengths[slot] = 0;
  }

  #releaseIds(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      let id = 0;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++] as number;
        id |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      this.pool.release(id);
    }
  }

  #setMetadata(slot: number, { type, help, unit }: Metadata): void {
    const { pool } = this;
    const [oldHelp, oldUnit] = [this.helps[slot] as number, this.units[slot] as number];
    this.types[slot] = METRIC_TYPES[type];
    this.helps[slot] = pool.take(help);
    this.units[slot] = pool.take(unit);
    pool.release(oldHelp);
    pool.release(oldUnit);
  }

  /** One more user of a text. */
  #again(id: number): number {
    return id === 0 ? 0 : this.pool.take(this.pool.texts[id] as string);
  }

  /** Moves strings out of pages that hold little. */
  #clearOut(): void {
    const sparse = this.arena.sparsePages();
    if (sparse.size === 0) return;
    for (let slot = 1; slot < this.#used; slot++) {
      if (!sparse.has(this.pages[slot] as number)) continue;
      const place = this.#placeOf(slot);
      const length = this.lengths[slot] as number;
      this.#place(slot, this.arena.view(place, length), length);
      this.arena.remove(place, length);
    }
  }

  #grow(): number {
    const slot = this.#used++;
    if (slot < this.pages.length) return slot;
    const capacity = this.pages.length * 2;
    this.pages = grown(this.pages, new Int32Array(capacity));
    this.starts = grown(this.starts, new Uint32Array(capacity));
    this.lengths = grown(this.lengths, new Uint32Array(capacity));
    this.types = grown(this.types, new Uint8Array(capacity));
    this.helps = grown(this.helps, new Uint32Array(capacity));
    this.units = grown(this.units, new Uint32Array(capacity));
    this.#refs = grown(this.#refs, new Float64Array(capacity));
    this.#segments = grown(this.#segments, new Int32Array(capacity));
    return slot;
  }
}

function grown<T extends { set(source: T): void }>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

function typeAndUnitOf(labels: Labels): Metadata {
  const type = labels.get("__type__");
  return { type: type in METRIC_TYPES ? (type as MetricType) : "unknown", help: "", unit: labels.get("__unit__") };
}
