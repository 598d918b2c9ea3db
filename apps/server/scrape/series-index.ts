// Finding a template's entry by its series text, for bodies that are not in the template's order.
import { BLOCK_HEADER_WORDS, type Block, ENTRY_HASH, ENTRY_WORDS, entryCount, seriesEquals } from "./template.ts";

/** An open-addressing table over the entries of one template: 8 to 16 bytes a series. Built when first needed. */
export class SeriesIndex {
  readonly #blocks: readonly Block[];
  readonly #slots: Uint32Array;
  readonly #mask: number;

  /** Entries for which `skip` says true cannot be found; of several with the same text the first is. */
  constructor(blocks: readonly Block[], count: number, skip: (block: number, index: number) => boolean) {
    let size = 16;
    while (size < count * 2) size *= 2;
    this.#blocks = blocks;
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
    for (let b = 0; b < blocks.length; b++) {
      const { words } = blocks[b] as Block;
      for (let i = 0; i < entryCount(words); i++) if (!skip(b, i)) this.#insert(b, i, words);
    }
  }

  /** The address (`block * 256 + index`) of the entry with this series text and hash, or -1. */
  find(bytes: Uint8Array, start: number, end: number, hash: number): number {
    let slot = hash & this.#mask;
    for (;;) {
      const stored = this.#slots[slot] as number;
      if (stored === 0) return -1;
      const address = stored - 1;
      const { words } = this.#blocks[address >>> 8] as Block;
      const entry = BLOCK_HEADER_WORDS + (address & 255) * ENTRY_WORDS;
      if (words[entry + ENTRY_HASH] === hash && seriesEquals(words, entry, bytes, start, end - start)) return address;
      slot = (slot + 1) & this.#mask;
    }
  }

  #insert(block: number, index: number, words: Int32Array): void {
    const hash = words[BLOCK_HEADER_WORDS + index * ENTRY_WORDS + ENTRY_HASH] as number;
    let slot = hash & this.#mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot] = block * 256 + index + 1;
  }
}
