// What a body that breaks its format is refused with.

/** A body breaks its format. The message names the place with the bytes around it, worded as the reference words it. */
export class ExpositionError extends Error {
  override readonly name = "ExpositionError";
}
