// The file that failed scrapes are written to, one JSON line each.
import { createWriteStream, openSync, type WriteStream } from "node:fs";
import type { Target } from "./target.ts";

/** Lines waiting for a slow disk, in bytes; beyond it new ones are left out. */
const MAX_PENDING_BYTES = 1 << 20;

/** Appends to one file until closed. */
export class FailureLog {
  readonly #stream: WriteStream;
  readonly #job: string;

  /** Throws the system's error when the file cannot be opened. */
  constructor(path: string, job: string) {
    this.#stream = createWriteStream(path, { fd: openSync(path, "a") });
    // A full disk must not end the process; the log is a help, not a promise.
    this.#stream.on("error", () => {});
    this.#job = job;
  }

  write(target: Target, message: string): void {
    if (this.#stream.writableLength > MAX_PENDING_BYTES) return;
    const line = {
      time: new Date().toISOString(),
      level: "ERROR",
      source: "scrape-loop",
      msg: message,
      job_name: this.#job,
      target: target.url.href,
    };
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }

  close(): void {
    this.#stream.end();
  }
}
