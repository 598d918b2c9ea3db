// Memory for bodies: power-of-two buffers that go from scrape to scrape.
import { ScrapeError } from "./scrape-error.ts";

const SMALLEST_BYTES = 1 << 14;
/** Buffers from this size on are large. */
const LARGE_FROM_BYTES = 1 << 20;
/** What all large buffers that are in use may take together, unless told otherwise. */
const LARGE_BYTES = 512 << 20;

/**
 * Hands out buffers and takes them back; keeps at most `keptBytes` of them. All that are large and in use may take
 * `largeBytes` together, so that targets that send without end cannot take the server's memory; small ones there are as
 * many as there are scrapes.
 */
export class BufferPool {
  readonly #keptBytesLimit: number;
  readonly #largeBytesLimit: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #keptBytes = 0;
  #largeBytes = 0;

  constructor(keptBytes: number = 32 << 20, largeBytes: number = LARGE_BYTES) {
    this.#keptBytesLimit = keptBytes;
    this.#largeBytesLimit = largeBytes;
  }

  /** A buffer of at least `bytes`, with whatever it held before. Throws a `ScrapeError` when large ones take too much. */
  take(bytes: number): Uint8Array {
    let size = SMALLEST_BYTES;
    while (size < bytes) size *= 2;
    if (size >= LARGE_FROM_BYTES) {
      if (this.#largeBytes + size > this.#largeBytesLimit && this.#largeBytes > 0) {
        throw new ScrapeError("large bodies of other targets take too much memory", "body_memory");
      }
      this.#largeBytes += size;
    }
    const free = this.#free.get(size)?.pop();
    if (free === undefined) return new Uint8Array(size);
    this.#keptBytes -= size;
    return free;
  }

  /** Takes back what `take` gave, once nobody reads it any more. */
  give(buffer: Uint8Array): void {
    const size = buffer.byteLength;
    if (size >= LARGE_FROM_BYTES) this.#largeBytes -= size;
    if (this.#keptBytes + size > this.#keptBytesLimit) return;
    const same = this.#free.get(size);
    if (same === undefined) this.#free.set(size, [buffer]);
    else same.push(buffer);
    this.#keptBytes += size;
  }
}
