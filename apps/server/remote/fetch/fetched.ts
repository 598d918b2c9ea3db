// What was read from other servers for one query, as plain data that crosses over to a worker.

/** The answer of one endpoint to one selection. */
export interface FetchedAnswer {
  /** "failed": `error` says why, and there are no bytes. */
  readonly form: "samples" | "chunks" | "failed";
  /** What came over the wire; of "samples" still compressed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly error: string;
  /** Labels that were asked for as the server's own, to be taken off again. */
  readonly stripped: readonly string[];
  /** Bytes that a frame (or the whole of "samples") may have. */
  readonly limitBytes: number;
}

/** All answers to one selection. */
export interface FetchedSelection {
  /** See `selectionKey`. */
  readonly key: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly answers: readonly FetchedAnswer[];
}

/** What tells selections apart: their matchers. */
export function selectionKey(matchers: readonly { toString(): string }[]): string {
  return matchers.map(String).join("\n");
}
