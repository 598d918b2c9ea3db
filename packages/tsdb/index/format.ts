// Numbers of a block's index file. Source: tsdb/docs/format/index.md of the reference.

export const INDEX_MAGIC = 0xbaaad700;
/** Magic and version. */
export const INDEX_HEADER_BYTES = 5;
/** Six offsets and their CRC-32C, at the file's end. */
export const TOC_BYTES: number = 6 * 8 + 4;
/** In version 2, series lie at multiples of this, and their ids count in it. */
export const SERIES_ALIGNMENT = 16;
/** Readers keep every n-th symbol's and value's place in memory and walk from there. */
export const SAMPLE_EVERY = 32;

/** Where the sections begin; 0 stands for one that is not there. */
export interface TableOfContents {
  readonly symbols: number;
  readonly series: number;
  readonly labelIndices: number;
  readonly labelOffsetTable: number;
  readonly postings: number;
  readonly postingsOffsetTable: number;
}

/** An index file that contradicts its format. */
export class IndexError extends Error {
  override readonly name = "IndexError";
  readonly code = "index_corrupt";
  readonly path: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
    this.path = path;
  }
}
