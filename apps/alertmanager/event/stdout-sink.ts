// Lines to the standard output. Not through `process.stdout`, which makes the whole program wait while nobody reads a pipe.
import { write } from "node:fs";
import type { Clock } from "../clock.ts";
import type { LineSink } from "./line-output.ts";

const STDOUT = 1;
/** Time until the next attempt where a pipe is full and does not wait by itself. */
const FULL_RETRY_MS = 10;

type Write = (bytes: Uint8Array) => Promise<number>;

const writeStdout: Write = (bytes) =>
  new Promise((resolve, reject) => {
    write(STDOUT, bytes, (error, count) => (error === null ? resolve(count) : reject(error)));
  });

/** `attempt` writes what it can, and resolves with how many bytes that was; another one for tests. */
export function stdoutSink(clock: Clock, attempt: Write = writeStdout): LineSink {
  let isClosed = false;
  return {
    async write(bytes) {
      let count = 0;
      while (count < bytes.length) {
        try {
          count += await attempt(bytes.subarray(count));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || isClosed) return { count, error: error as Error };
          await new Promise<void>((resolve) => clock.after(FULL_RETRY_MS, resolve));
        }
      }
      return { count };
    },
    reopen: () => {},
    close: async () => {
      isClosed = true;
    },
  };
}
