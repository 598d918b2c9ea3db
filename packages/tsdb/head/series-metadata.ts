// What each series is: type, help and unit, kept once for all series that share them.
import type { Metadata } from "@narthex/model";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { Cold, FLAGS_MASK, METADATA_SHIFT } from "./record.ts";

/** Different metadata that can be told apart; a series with more of them keeps none. */
const MAX_ENTRIES = 2 ** 24 - 1;

/** Used by the single writer. A series holds the number of its metadata in its cold record. */
export class SeriesMetadata {
  readonly #memory: HeadMemory;
  /** By number; 0 stands for none. */
  #entries: (Metadata | undefined)[] = [undefined];
  readonly #numbers = new Map<string, number>();

  constructor(memory: HeadMemory) {
    this.#memory = memory;
  }

  /** Different metadata kept. */
  get entryCount(): number {
    return this.#numbers.size;
  }

  get(record: number): Metadata | undefined {
    return this.#entries[this.#memory.cold[record * COLD_WORDS + Cold.flags] >>> METADATA_SHIFT];
  }

  /** Whether a series' metadata is this already. */
  isKnown(record: number, { type, help, unit }: Metadata): boolean {
    const known = this.get(record);
    return known !== undefined && known.type === type && known.help === help && known.unit === unit;
  }

  set(record: number, { type, help, unit }: Metadata): void {
    const key = `${type}\0${unit}\0${help}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      if (this.#entries.length > MAX_ENTRIES) return;
      number = this.#entries.push({ type, help, unit }) - 1;
      this.#numbers.set(key, number);
    }
    const at = record * COLD_WORDS + Cold.flags;
    const { cold } = this.#memory;
    cold[at] = (number << METADATA_SHIFT) | (cold[at] & FLAGS_MASK);
  }

  /** Forgets what none of the series up to `highRecord` has any more. */
  collect(highRecord: number, isLive: (record: number) => boolean): void {
    if (this.#numbers.size === 0) return;
    const kept: (Metadata | undefined)[] = [undefined];
    const renumbered = new Map<number, number>();
    const { cold } = this.#memory;
    this.#numbers.clear();
    for (let record = 1; record <= highRecord; record++) {
      const at = record * COLD_WORDS + Cold.flags;
      const old = cold[at] >>> METADATA_SHIFT;
      if (old === 0 || !isLive(record)) continue;
      let number = renumbered.get(old);
      if (number === undefined) {
        const entry = this.#entries[old]!;
        number = kept.push(entry) - 1;
        renumbered.set(old, number);
        this.#numbers.set(`${entry.type}\0${entry.unit}\0${entry.help}`, number);
      }
      cold[at] = (number << METADATA_SHIFT) | (cold[at] & FLAGS_MASK);
    }
    this.#entries = kept;
  }
}
