// The reading side of a stream between members: label and compression are taken off, what is inside is read message by message.
import { decompressLzw } from "./lzw.ts";
import { MAX_PLAIN_MESSAGE_BYTES, MAX_STATE_BYTES, MESSAGE, readCompressed } from "./message.ts";
import { MsgpackError, MsgpackReader } from "./msgpack.ts";
import type { ByteStream } from "./transport.ts";

/** Bounds what all streams together hold, so that many large ones cannot fill the memory. */
export class StreamBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Throws when there is no room. */
  take(bytes: number): void {
    if (bytes > this.#left) throw new Error("too much is being received by streams at the same time");
    this.#left -= bytes;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** A message, its bytes on the wire included, is at most a state and as much again for the nodes. */
const MAX_STREAM_BYTES = 2 * MAX_STATE_BYTES;
const FIRST_BUFFER_BYTES = 4096;

export class StreamInput {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #budget: StreamBudget;
  #buffer: Uint8Array = new Uint8Array(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #budgeted = 0;
  #isWhole = false;

  constructor(stream: ByteStream, budget: StreamBudget) {
    this.#chunks = stream.chunks;
    this.#budget = budget;
  }

  /** The label in front, empty where there is none; undefined when the stream ended before anything came. */
  async label(): Promise<string | undefined> {
    if (this.#end === this.#start && !(await this.#more())) return undefined;
    if (this.#buffer[this.#start] !== MESSAGE.label) return "";
    const header = await this.bytes(2);
    const length = header[1] as number;
    if (length === 0) throw new Error("label header cannot be empty when present");
    return Buffer.from(await this.bytes(length)).toString();
  }

  /** The kind of the message that follows; where it is compressed, of the one inside. */
  async kind(): Promise<number> {
    const [kind] = (await this.bytes(1)) as unknown as [number];
    if (kind === MESSAGE.encrypted) throw new Error("remote state is encrypted and encryption is not configured");
    if (kind !== MESSAGE.compressed) return kind;
    const compressed = await this.read(readCompressed, MAX_STREAM_BYTES);
    const plain = decompressLzw(compressed, MAX_STREAM_BYTES);
    this.#budget.take(plain.length);
    this.#budgeted += plain.length;
    [this.#buffer, this.#start, this.#end, this.#isWhole] = [plain, 0, plain.length, true];
    const [inner] = (await this.bytes(1)) as unknown as [number];
    return inner;
  }

  /** Reads one message as soon as it is all there; it is at most so long. */
  async read<T>(decode: (reader: MsgpackReader) => T, maxBytes: number = MAX_PLAIN_MESSAGE_BYTES): Promise<T> {
    for (;;) {
      const reader = new MsgpackReader(this.#buffer.subarray(this.#start, this.#end));
      try {
        const value = decode(reader);
        this.#start += reader.position;
        return value;
      } catch (error) {
        if (!(error instanceof MsgpackError && error.isCut) || reader.remaining + reader.position > maxBytes)
          throw error;
      }
      if (!(await this.#more())) throw new Error("unexpected EOF");
    }
  }

  /** So many bytes as they are, as a view. */
  async bytes(count: number): Promise<Uint8Array> {
    while (this.#end - this.#start < count) if (!(await this.#more())) throw new Error("unexpected EOF");
    this.#start += count;
    return this.#buffer.subarray(this.#start - count, this.#start);
  }

  /** What was read is no longer held. */
  close(): void {
    this.#budget.give(this.#budgeted);
    this.#budgeted = 0;
  }

  async #more(): Promise<boolean> {
    if (this.#isWhole) return false;
    const { value, done } = await this.#chunks.next();
    if (done === true) return false;
    const chunk = value as Uint8Array;
    if (this.#end + chunk.length > MAX_STREAM_BYTES) throw new Error(`more than ${MAX_STREAM_BYTES} bytes in a stream`);
    this.#budget.take(chunk.length);
    this.#budgeted += chunk.length;
    if (this.#end + chunk.length > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(this.#buffer.length * 2, this.#end + chunk.length));
      grown.set(this.#buffer.subarray(0, this.#end));
      this.#buffer = grown;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
    return true;
  }
}
