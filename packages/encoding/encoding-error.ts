// The error of this package.

/**
 * What was wrong with the bytes: they ended too early, a number was too large for its kind, a declared size was over
 * the caller's limit, or they contradict their format.
 */
export type EncodingErrorCode = "truncated" | "overflow" | "limit_exceeded" | "corrupt";

/** Bytes that cannot be read. `offset` is the position in the input at which reading stopped. */
export class EncodingError extends Error {
  override readonly name = "EncodingError";
  readonly code: EncodingErrorCode;
  readonly offset: number;

  constructor(code: EncodingErrorCode, message: string, offset: number) {
    super(`${message} at byte ${offset}`);
    this.code = code;
    this.offset = offset;
  }
}
