// Files of a built page. Most processes never show it, and then it need not take their memory.
import { closeSync, openSync, readFileSync } from "node:fs";
import { extname } from "node:path";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** One file, read when somebody asks for it first and kept from then on. It is opened at once: an upgrade on disk changes nothing. */
export class PageFile {
  /** For the Content-Type header. */
  readonly type: string;
  #descriptor: number | undefined;
  #bytes: Buffer | undefined;

  /** Throws when the file cannot be opened. */
  constructor(path: string) {
    this.type = TYPES[extname(path)] ?? "application/octet-stream";
    this.#descriptor = openSync(path, "r");
  }

  /** Its content. */
  bytes(): Buffer {
    if (this.#descriptor !== undefined) {
      this.#bytes = readFileSync(this.#descriptor);
      closeSync(this.#descriptor);
      this.#descriptor = undefined;
    }
    return this.#bytes as Buffer;
  }
}
