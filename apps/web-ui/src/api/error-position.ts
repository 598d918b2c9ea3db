/** Where in a query an error points to. */

/** A place in a text, both counted from 1, and the message without it. */
export interface PlacedMessage {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Splits `invalid parameter "query": 1:5: parse error: unexpected …` into its place and the rest.
 * Returns null when the message names no place.
 */
export function placeOf(message: string): PlacedMessage | null {
  const match = /^(?:invalid parameter "[^"]*": )?(\d{1,6}):(\d{1,6}): (?:parse error: )?([\s\S]*)$/.exec(message);
  if (!match) return null;
  return { line: Number(match[1]), column: Number(match[2]), message: match[3]! };
}

/** The line of `text` that `place` names, and the same place within it, cut to some `width` characters around it. */
export function excerpt(
  text: string,
  place: PlacedMessage,
  width = 100,
): { before: string; at: string; after: string } {
  const line = text.split("\n")[place.line - 1] ?? "";
  const index = Math.min(Math.max(0, place.column - 1), line.length);
  const from = Math.max(0, index - width);
  return {
    before: (from > 0 ? "…" : "") + line.slice(from, index),
    at: line.slice(index, index + 1),
    after: line.slice(index + 1, index + width) + (line.length > index + width ? "…" : ""),
  };
}
