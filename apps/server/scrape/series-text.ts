// Series texts in a body: `name{label="value",…}` as bytes.
import { finishHash } from "./template.ts";

const LINE_BREAK = 0x0a;
const SPACE = 0x20;
const SAMPLE_END = " 1\n";

/** Runs over a series text, finding its end and its hash at once. One object for all runs. */
export class SeriesScan {
  /** Where the text ends: at the space or line break behind it, or at the end of the body. */
  end = 0;
  /** As `hashSeries` gives it. */
  hash = 0;

  /** Scans from `start` on. Quotes and braces are respected; whether the text is a good one is not asked. */
  run(bytes: Uint8Array, start: number, limit: number): void {
    let hash = 0x811c9dc5 | 0;
    let inBraces = false;
    let inQuotes = false;
    let i = start;
    for (; i < limit; i++) {
      const byte = bytes[i] as number;
      if (inQuotes) {
        if (byte === 0x5c) {
          hash = Math.imul(hash ^ byte, 0x01000193);
          i++;
        } else if (byte === 0x22) inQuotes = false;
      } else if (byte === 0x22) inQuotes = true;
      else if (byte === 0x7b) inBraces = true;
      else if (byte === 0x7d) inBraces = false;
      else if (byte === LINE_BREAK || (byte === SPACE && !inBraces)) break;
      hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
    }
    this.end = i;
    this.hash = finishHash(hash);
  }
}

/** Completes a series text in `bytes` to a sample's line and returns its length. Four more bytes must exist. */
export function endSample(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < SAMPLE_END.length; i++) bytes[at + i] = SAMPLE_END.charCodeAt(i);
  return at + SAMPLE_END.length;
}

/** How long the series text is that `endSample` completed to `length` bytes. */
export function withoutEnd(length: number): number {
  return length - SAMPLE_END.length;
}

/** Where the line that holds `at` begins, no earlier than `limit`. */
export function lineStartBefore(bytes: Uint8Array, at: number, limit: number): number {
  let start = at;
  while (start > limit && bytes[start - 1] !== LINE_BREAK) start--;
  return start;
}
