// One target's template: shared blocks of text, and what each of their entries is for this target.
import type { SeriesRef } from "@narthex/storage";
import type { GroupPart } from "./sample-groups.ts";
import { SeriesIndex } from "./series-index.ts";
import { endSample, withoutEnd } from "./series-text.ts";
import {
  BLOCK_HEADER_WORDS,
  type Block,
  copySeries,
  ENTRY_WORDS,
  entryCount,
  entryType,
  hashSeries,
  seriesBytes,
  type TemplateStore,
} from "./template.ts";

/** Flags of a series: it has no samples of its own, since relabeling dropped it, or for one of the reasons below. */
export const DROPPED = 1;
/** The same series text stands earlier in the template. */
export const REPEATED = 2;
/** Its last sample had a timestamp of its own, so its absence means nothing. */
export const UNTRACKED = 4;
/** Its values are wanted by a group too. */
export const GROUPED = 8;
/** The storage would not make it (then it is `DROPPED` as well): it is tried again from time to time. */
export const REFUSED = 16;
/** Its values are wanted by its group only (then it is `DROPPED` as well): they are no samples. */
export const GROUP_ONLY = 32;
/** Whose absence is marked has none of these. */
export const UNENDING: number = DROPPED | REPEATED | UNTRACKED;

/** A series text as a line that a parser reads, and the type in force where it stood. */
export interface SeriesLine {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly typeCode: number;
}

/** What a body was made into: blocks that the caller holds one use of each, and what their entries are, side by side. */
export interface TemplateContent {
  readonly blocks: Block[];
  readonly refs: Uint32Array;
  readonly flags: Uint8Array;
  /** Places in groups, of the entries that have one; undefined while none has. */
  readonly parts: (GroupPart | undefined)[] | undefined;
  /** What follows the last value. */
  readonly trailer: Uint8Array;
}

const EMPTY: TemplateContent = {
  blocks: [],
  refs: new Uint32Array(0),
  flags: new Uint8Array(0),
  parts: undefined,
  trailer: new Uint8Array(0),
};

/** Entries have numbers, counted through all blocks, and addresses: `block * 256 + index in the block`. */
export class TargetTemplate {
  readonly #store: TemplateStore;
  #content = EMPTY;
  /** Number of the first entry of each block; one more than blocks, the last the count of entries. */
  starts: Int32Array = Int32Array.of(0);
  #index: SeriesIndex | undefined;

  constructor(store: TemplateStore) {
    this.#store = store;
  }

  get count(): number {
    return this.#content.refs.length;
  }

  get blocks(): readonly Block[] {
    return this.#content.blocks;
  }

  get refs(): Uint32Array {
    return this.#content.refs;
  }

  get flags(): Uint8Array {
    return this.#content.flags;
  }

  part(number: number): GroupPart | undefined {
    return this.#content.parts?.[number];
  }

  /** Takes over new content and gives up the blocks of the old. */
  replace(content: TemplateContent): void {
    this.#store.release(this.#content.blocks);
    this.#content = content;
    const { blocks } = content;
    this.starts = new Int32Array(blocks.length + 1);
    for (let b = 0; b < blocks.length; b++) {
      this.starts[b + 1] = (this.starts[b] as number) + entryCount((blocks[b] as Block).words);
    }
    this.#index = undefined;
  }

  /** Gives up everything. */
  release(): void {
    this.replace(EMPTY);
  }

  /** The index is built again when it is needed. */
  forgetIndex(): void {
    this.#index = undefined;
  }

  numberOf(address: number): number {
    return (this.starts[address >>> 8] as number) + (address & 255);
  }

  /** The address of the first entry with the series text `bytes[start, end)`, -1 for none. */
  lookUp(bytes: Uint8Array, start: number, end: number, hash: number): number {
    if (this.count === 0) return -1;
    this.#index ??= new SeriesIndex(
      this.#content.blocks,
      this.count,
      (block, index) => ((this.flags[(this.starts[block] as number) + index] as number) & REPEATED) !== 0,
    );
    return this.#index.find(bytes, start, end, hash);
  }

  /** The entry with the same text that is not marked as a repetition. */
  firstOf(number: number): number {
    const { bytes, length } = this.lineOf(number);
    const textEnd = withoutEnd(length);
    const address = this.lookUp(bytes, 0, textEnd, hashSeries(bytes, 0, textEnd));
    return address < 0 ? number : this.numberOf(address);
  }

  lineOf(number: number): SeriesLine {
    let block = 0;
    while ((this.starts[block + 1] as number) <= number) block++;
    const { words } = this.#content.blocks[block] as Block;
    const at = BLOCK_HEADER_WORDS + (number - (this.starts[block] as number)) * ENTRY_WORDS;
    const bytes = new Uint8Array(seriesBytes(words, at) + 16);
    return { bytes, length: endSample(bytes, copySeries(words, at, bytes, 0)), typeCode: entryType(words, at) };
  }

  /** Type in force at the entry before this one. */
  typeBefore(block: number, index: number): number {
    if (index === 0 && block === 0) return 0;
    const before = index === 0 ? block - 1 : block;
    const { words } = this.#content.blocks[before] as Block;
    const last = index === 0 ? entryCount(words) - 1 : index - 1;
    return last < 0 ? 0 : entryType(words, BLOCK_HEADER_WORDS + last * ENTRY_WORDS);
  }

  /** Whether `bytes[start, end)` are what follows the last value. */
  isTrailer(bytes: Uint8Array, start: number, end: number): boolean {
    const { trailer } = this.#content;
    if (this.count === 0 || end - start !== trailer.length) return false;
    for (let i = 0; i < trailer.length; i++) if (bytes[start + i] !== trailer[i]) return false;
    return true;
  }

  setRef(number: number, ref: SeriesRef): void {
    this.#content.refs[number] = ref;
  }
}
