// Decompressing scrape after scrape with one decompressor, into a buffer that the caller keeps.
//
// `gunzipSync` makes a decompressor and a fresh output buffer for each body. Both cost time, and the buffers count as
// external memory, so that every few seconds of scraping end in a full garbage collection. Node has no public way to
// avoid that; what is used here has been the same inside it since version 10, and where it is missing the caller is told
// so and takes the public way.
import { constants, createGunzip, type Gunzip } from "node:zlib";

/** What Node's own synchronous functions call. */
interface Handle {
  reset(): void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
}

interface Internals {
  readonly _handle?: Partial<Handle> | null;
  /** Room left in the output, and bytes left of the input, after a write. */
  readonly _writeState?: Uint32Array;
}

/** The body does not end within the output: it is longer than its last bytes say. */
export const OUTPUT_TOO_SMALL = -1;

export class Gunzipper {
  #stream: (Gunzip & Internals) | undefined;

  /**
   * Decompresses `source` whole into `target` and returns the number of bytes, or `OUTPUT_TOO_SMALL`. Undefined means that
   * this Node cannot do it. Throws zlib's error for a damaged body.
   */
  gunzip(source: Uint8Array, target: Uint8Array): number | undefined {
    this.#stream ??= this.#open();
    const { _handle: handle, _writeState: state } = this.#stream;
    if (!handle?.reset || !handle.writeSync || state === undefined) return undefined;
    handle.reset();
    handle.writeSync(constants.Z_FINISH, source, 0, source.length, target, 0, target.length);
    const { errored } = this.#stream;
    if (errored !== null) {
      // Node closes a decompressor that has failed.
      this.#stream = undefined;
      throw errored;
    }
    const [roomLeft, sourceLeft] = state as unknown as [number, number];
    return roomLeft === 0 || sourceLeft > 0 ? OUTPUT_TOO_SMALL : target.length - roomLeft;
  }

  #open(): Gunzip & Internals {
    const stream = createGunzip();
    // The error was thrown already; this one is the event that follows.
    stream.on("error", () => {});
    return stream;
  }
}
