// Sequential writing of large files in few writes.
import { ByteWriter } from "@narthex/encoding";
import type { FileSystem, OpenFile } from "./file-system.ts";

const FLUSH_BYTES = 1024 * 1024;

/** Appends to a new file through a buffer of about one megabyte: fill `buffer`, then call `settle`. */
export class BufferedFile {
  readonly buffer: ByteWriter = new ByteWriter(FLUSH_BYTES + 64 * 1024);
  readonly #file: OpenFile;
  #written = 0;

  constructor(fs: FileSystem, path: string) {
    this.#file = fs.open(path, "create");
  }

  /** Bytes so far: where what is put into the buffer next will lie. */
  get position(): number {
    return this.#written + this.buffer.length;
  }

  /** Fills up with zeros to a multiple of `alignment`. */
  pad(alignment: number): void {
    const over = this.position % alignment;
    if (over > 0) for (let i = over; i < alignment; i++) this.buffer.uint8(0);
  }

  /** Writes the buffer out once it holds enough. */
  settle(): void {
    if (this.buffer.length >= FLUSH_BYTES) this.#flush();
  }

  /** Writes the rest, fsyncs, closes. */
  finish(): void {
    this.#flush();
    this.#file.sync();
    this.#file.close();
  }

  /** Closes without caring for what was not written. */
  abandon(): void {
    this.#file.close();
  }

  #flush(): void {
    this.#file.append(this.buffer.bytes, 0, this.buffer.length);
    this.#written += this.buffer.length;
    this.buffer.clear();
  }
}
