// What fails a scrape.

/** A scrape failed. The message is what `lastError` shows, worded as the reference words it. */
export class ScrapeError extends Error {
  override readonly name = "ScrapeError";
  /** Counted separately: limits have metrics of their own. */
  readonly code: ScrapeErrorCode;

  constructor(message: string, code: ScrapeErrorCode = "other", options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type ScrapeErrorCode =
  | "other"
  | "sample_limit"
  | "body_size_limit"
  | "body_memory"
  | "label_limit"
  | "bucket_limit"
  | "target_limit";
