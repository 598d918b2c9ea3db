// What one scrape came to, counted.

/** Counts of one scrape, filled in by whoever takes the body in. */
export interface ScrapeCounts {
  /** Samples in the body. */
  scraped: number;
  /** Samples left after relabeling. */
  kept: number;
  /** Series that the scrape before did not have. */
  added: number;
  outOfOrder: number;
  duplicates: number;
  outOfBounds: number;
  exemplarsOutOfOrder: number;
  /** Samples of series that the storage would not make: a budget is used up. */
  refused: number;
}

/** A series that the storage refused is tried again every so many scrapes: that costs as much as a new one. */
export const REFUSED_PAUSE = 10;

/** How far into the future explicit timestamps may lie. */
export const MAX_FUTURE_MS: number = 10 * 60 * 1000;

/** Counts of a scrape that took in nothing. */
export function emptyCounts(): ScrapeCounts {
  return {
    scraped: 0,
    kept: 0,
    added: 0,
    outOfOrder: 0,
    duplicates: 0,
    outOfBounds: 0,
    exemplarsOutOfOrder: 0,
    refused: 0,
  };
}
