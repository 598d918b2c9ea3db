// A body in pieces, cut into lines.
import { isUtf8 } from "node:buffer";
import { decodeCarrying } from "../family/go-text.ts";

const LINE_BREAK = 0x0a;

/** Hands each line to `take`, without its line break. Bytes that are no UTF-8 are carried, see `decodeCarrying`. */
export class LineSplitter {
  readonly #take: (line: string, isTerminated: boolean) => void;
  /** The beginning of a line whose end has not come yet. */
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(take: (line: string, isTerminated: boolean) => void) {
    this.#take = take;
  }

  /** Bytes of the line whose end has not come yet. */
  get heldBytes(): number {
    return this.#restBytes;
  }

  push(piece: Buffer): void {
    const end = piece.lastIndexOf(LINE_BREAK);
    if (end < 0) {
      if (piece.length > 0) this.#rest.push(piece);
      this.#restBytes += piece.length;
      return;
    }
    const head = piece.subarray(0, end);
    const lines = this.#rest.length === 0 ? head : Buffer.concat([...this.#rest, head]);
    this.#rest = end + 1 < piece.length ? [piece.subarray(end + 1)] : [];
    this.#restBytes = piece.length - end - 1;
    if (isUtf8(lines)) {
      for (const line of lines.toString("utf8").split("\n")) this.#take(line, true);
      return;
    }
    for (let start = 0; start <= lines.length; ) {
      const found = lines.indexOf(LINE_BREAK, start);
      const stop = found < 0 ? lines.length : found;
      this.#take(decodeCarrying(lines.subarray(start, stop)), true);
      start = stop + 1;
    }
  }

  /** Hands out what follows the last line break, if there is something. */
  end(): void {
    if (this.#rest.length > 0) this.#take(decodeCarrying(Buffer.concat(this.#rest)), false);
    this.#rest = [];
  }
}
