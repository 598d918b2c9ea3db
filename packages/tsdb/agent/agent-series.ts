// The series of a storage that keeps no samples: their labels, their refs, and the time of their newest sample.
import { ByteWriter } from "@narthex/encoding";
import type { Labels } from "@narthex/model";
import type { LabelBytes } from "@narthex/storage";
import { ByteArena } from "../memory/byte-arena.ts";
import { RefMap } from "../memory/ref-map.ts";

const FIRST_CAPACITY = 1024;

/**
 * Labels lie as the log has them (`encodeLabels` of `record.ts`), so that they go into records as they are. A slot stands for a
 * series; about 50 bytes and its labels each. Series that ended stay until the log no longer speaks of them.
 */
export class AgentSeries {
  /** By slot. Milliseconds; -Infinity before there was a sample. */
  lastTimes: Float64Array = new Float64Array(FIRST_CAPACITY);
  refs: Float64Array = new Float64Array(FIRST_CAPACITY);
  readonly #arena = new ByteArena();
  #places: Float64Array = new Float64Array(FIRST_CAPACITY);
  #lengths: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  #hashes: Uint32Array = new Uint32Array(FIRST_CAPACITY);
  readonly #byRef = new RefMap();
  /** Open addressing by hash: slots, 0 for none, -1 for one that was removed. */
  #table: Int32Array = new Int32Array(2 * FIRST_CAPACITY);
  #tableUsed = 0;
  #used = 1;
  #active = 0;
  readonly #free: number[] = [];
  /** Slots of series that ended, and the log segment up to which samples of them may stand. */
  readonly #ended = new Map<number, number>();
  readonly #scratch = new ByteWriter(512);

  /** How many series there are, without those that ended. */
  get active(): number {
    return this.#active;
  }

  get ended(): number {
    return this.#ended.size;
  }

  /** The slot of a series that has not ended; 0 for none. */
  slotOf(ref: number): number {
    return this.#byRef.get(ref);
  }

  /** Encodes labels for `find` and `add`: valid until the next call. */
  encode(labels: Labels): ByteWriter {
    const into = this.#scratch;
    into.clear();
    into.uvarint(labels.size);
    for (const text of labels.pairs) into.uvarintText(text);
    return into;
  }

  encodeBytes(labels: LabelBytes): ByteWriter {
    const into = this.#scratch;
    into.clear();
    into.uvarint(labels.count);
    for (let i = 0; i < labels.count; i++) {
      const start = labels.start(i);
      const nameEnd = labels.ends[2 * i] as number;
      const valueEnd = labels.ends[2 * i + 1] as number;
      into.uvarint(nameEnd - start);
      into.raw(labels.bytes.subarray(start, nameEnd));
      into.uvarint(valueEnd - nameEnd);
      into.raw(labels.bytes.subarray(nameEnd, valueEnd));
    }
    return into;
  }

  /** The slot of the series with these encoded labels; 0 for none. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.#table.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = this.#table[at] as number;
      if (slot === 0) return 0;
      if (slot > 0 && this.#hashes[slot] === hash && this.#hasLabels(slot, bytes, start, end)) return slot;
    }
  }

  /** Adds a series that is not there. Returns its slot. */
  add(ref: number, bytes: Uint8Array, start: number, end: number): number {
    const slot = this.#fill(ref, bytes, start, end);
    this.#byRef.set(ref, slot);
    this.#active++;
    if (2 * this.#tableUsed >= this.#table.length) this.#rebuild();
    this.#enter(slot);
    return slot;
  }

  /** Adds a ref under which the log knows a series that has another one: kept as one that ended. */
  addEnded(ref: number, bytes: Uint8Array, start: number, end: number, segment: number): number {
    const slot = this.#fill(ref, bytes, start, end);
    this.#ended.set(slot, segment);
    return slot;
  }

  /** The log speaks of a series that ended up to this segment. */
  touchEnded(slot: number, segment: number): void {
    if (segment > (this.#ended.get(slot) ?? segment)) this.#ended.set(slot, segment);
  }

  /** Ends series without a sample from `minTime` on; the log may speak of them up to `segment`. Returns how many. */
  endBefore(minTime: number, segment: number): number {
    let count = 0;
    for (let slot = 1; slot < this.#used; slot++) {
      if ((this.lastTimes[slot] as number) >= minTime || this.#byRef.get(this.refs[slot] as number) !== slot) continue;
      this.#byRef.delete(this.refs[slot] as number);
      this.#leave(slot);
      this.#ended.set(slot, segment);
      this.#active--;
      count++;
    }
    return count;
  }

  /** Forgets series that ended and of which the log speaks no later than in `segment`. Returns their refs. */
  forget(segment: number): number[] {
    const refs: number[] = [];
    for (const [slot, last] of this.#ended) {
      if (last > segment) continue;
      this.#ended.delete(slot);
      refs.push(this.refs[slot] as number);
      this.#arena.remove(this.#places[slot] as number, this.#lengths[slot] as number);
      this.#lengths[slot] = 0;
      this.refs[slot] = -1;
      this.#free.push(slot);
    }
    this.#clearOut();
    return refs;
  }

  /** Slots that a checkpoint up to `segment` must have: all series, and those that ended and are spoken of later. */
  *kept(segment: number): Generator<number> {
    for (let slot = 1; slot < this.#used; slot++) {
      if (this.#byRef.get(this.refs[slot] as number) === slot || (this.#ended.get(slot) ?? -1) > segment) yield slot;
    }
  }

  /** Adds one series to a series record that was begun. */
  encodeInto(slot: number, record: ByteWriter): void {
    record.int64Number(this.refs[slot] as number);
    record.raw(this.#arena.view(this.#places[slot] as number, this.#lengths[slot] as number));
  }

  #fill(ref: number, bytes: Uint8Array, start: number, end: number): number {
    const slot = this.#free.pop() ?? this.#grow();
    const labels = bytes.subarray(start, end);
    this.#places[slot] = this.#arena.add(labels, labels.length);
    this.#lengths[slot] = labels.length;
    this.#hashes[slot] = hashOf(bytes, start, end);
    this.refs[slot] = ref;
    this.lastTimes[slot] = Number.NEGATIVE_INFINITY;
    return slot;
  }

  #hasLabels(slot: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#lengths[slot] as number;
    if (length !== end - start) return false;
    const place = this.#places[slot] as number;
    const page = this.#arena.pages[Math.floor(place / 2 ** 32)] as Uint8Array;
    const from = place % 2 ** 32;
    for (let i = 0; i < length; i++) if (page[from + i] !== bytes[start + i]) return false;
    return true;
  }

  #enter(slot: number): void {
    const mask = this.#table.length - 1;
    let at = (this.#hashes[slot] as number) & mask;
    while ((this.#table[at] as number) > 0) at = (at + 1) & mask;
    if (this.#table[at] === 0) this.#tableUsed++;
    this.#table[at] = slot;
  }

  #leave(slot: number): void {
    const mask = this.#table.length - 1;
    let at = (this.#hashes[slot] as number) & mask;
    while (this.#table[at] !== slot) at = (at + 1) & mask;
    this.#table[at] = -1;
  }

  #rebuild(): void {
    const old = this.#table;
    let length = 2 * FIRST_CAPACITY;
    while (length < 4 * this.#active) length *= 2;
    this.#table = new Int32Array(length);
    this.#tableUsed = 0;
    for (const slot of old) if (slot > 0) this.#enter(slot);
  }

  #clearOut(): void {
    const sparse = this.#arena.sparsePages();
    if (sparse.size === 0) return;
    for (let slot = 1; slot < this.#used; slot++) {
      const length = this.#lengths[slot] as number;
      const place = this.#places[slot] as number;
      if (length === 0 || !sparse.has(Math.floor(place / 2 ** 32))) continue;
      this.#places[slot] = this.#arena.add(this.#arena.view(place, length), length);
      this.#arena.remove(place, length);
    }
  }

  #grow(): number {
    const slot = this.#used++;
    const capacity = this.refs.length;
    if (slot < capacity) return slot;
    this.refs = grown(this.refs, new Float64Array(capacity * 2));
    this.lastTimes = grown(this.lastTimes, new Float64Array(capacity * 2));
    this.#places = grown(this.#places, new Float64Array(capacity * 2));
    this.#lengths = grown(this.#lengths, new Uint32Array(capacity * 2));
    this.#hashes = grown(this.#hashes, new Uint32Array(capacity * 2));
    return slot;
  }
}

function grown<T extends { set(source: T): void }>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}

/** FNV-1a of 32 bits, stirred once more so that the low bits are good. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}
