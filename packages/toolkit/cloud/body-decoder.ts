// Bodies of answers as bytes, decompressed where the server compressed them.
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** Where the bytes go. After `error` or `end` nothing more comes. */
export interface DecoderSink {
  data(bytes: Buffer): void;
  end(): void;
  error(error: Error): void;
}

/** Hands on a body, plain or gzip. The source is paused while decompression is behind. */
export class BodyDecoder {
  readonly #encoding: string;
  readonly #source: Readable;
  readonly #sink: DecoderSink;

  constructor(encoding: string | undefined, source: Readable, sink: DecoderSink) {
    this.#encoding = (encoding ?? "").trim().toLowerCase();
    this.#source = source;
    this.#sink = sink;
  }

  start(): void {
    const body = this.#encoding === "gzip" ? this.#source.pipe(createGunzip()) : this.#source;
    let isOver = false;
    const end = () => {
      if (!isOver) this.#sink.end();
      isOver = true;
    };
    const fail = (error: Error) => {
      if (!isOver) this.#sink.error(error);
      isOver = true;
    };
    if (this.#encoding !== "" && this.#encoding !== "gzip" && this.#encoding !== "identity") {
      fail(new Error(`unknown content encoding ${JSON.stringify(this.#encoding.slice(0, 40))}`));
      return;
    }
    body.on("data", (bytes: Buffer) => {
      if (!isOver) this.#sink.data(bytes);
    });
    body.on("end", end);
    body.on("error", (error: Error) => fail(body === this.#source ? error : new Error(`gzip: ${error.message}`)));
    // Whoever gives up destroys the source; the decompressor then has nobody to wait for.
    this.#source.on("close", () => {
      if (body !== this.#source && !this.#source.readableEnded) body.destroy();
    });
  }
}
