// Which encoding new chunks of floats take, and what goes with which.

/** `xor`, or `xor2`, which has room for start timestamps and which older readers do not know. */
export type FloatEncoding = "xor" | "xor2";

/** Start timestamps are to be stored in chunks that have no room for them. */
export class IncompatibleEncodingError extends Error {
  override readonly name = "IncompatibleEncodingError";
  readonly code = "float_encoding_incompatible";

  constructor() {
    super(
      'float chunk encoding "xor" is incompatible with start-timestamp storage; ' +
        'XOR chunks do not store start timestamps, use "xor2"',
    );
  }
}

/** Returns the encoding; throws an `IncompatibleEncodingError` when the logs have start timestamps that it would lose. */
export function checkFloatEncoding(
  encoding: FloatEncoding,
  { logsStartTimes }: { readonly logsStartTimes?: boolean },
): FloatEncoding {
  if (encoding === "xor" && logsStartTimes === true) throw new IncompatibleEncodingError();
  return encoding;
}
