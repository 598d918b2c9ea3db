// Memory for bodies: power-of-two buffers that go from scrape to scrape.

const SMALLEST_BYTES = 1 << 14;

/** Hands out buffers and takes them back; keeps at most `keptBytes` of them. */
export class BufferPool {
  readonly #keptBytesLimit: number;
  readonly #free = new Map<number, Uint8Array[]>();
  #keptBytes = 0;

  constructor(keptBytes: number = 32 << 20) {
    this.#keptBytesLimit = keptBytes;
  }

  /** A buffer of at least `bytes`, with whatever it held before. */
  take(bytes: number): Uint8Array {
    let size = SMALLEST_BYTES;
    while (size < bytes) size *= 2;
    const free = this.#free.get(size)?.pop();
    if (free === undefined) return new Uint8Array(size);
    this.#keptBytes -= size;
    return free;
  }

  /** Takes back what `take` gave, once nobody reads it any more. */
  give(buffer: Uint8Array): void {
    const size = buffer.byteLength;
    if (this.#keptBytes + size > this.#keptBytesLimit) return;
    const same = this.#free.get(size);
    if (same === undefined) this.#free.set(size, [buffer]);
    else same.push(buffer);
    this.#keptBytes += size;
  }
}
