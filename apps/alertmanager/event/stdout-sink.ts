// Lines to the standard output. Not through `process.stdout`, which makes the whole program wait while nobody reads a pipe.
import { constants, fstatSync, open, write } from "node:fs";
import type { Clock } from "../clock.ts";
import type { LineSink } from "./line-output.ts";

const STDOUT = 1;
/** The same pipe, opened once more. There is no such path outside of Linux. */
const STDOUT_PATH = "/proc/self/fd/1";
/** Time until the next attempt where a pipe is full; doubled up to the longest with each attempt that finds it full still. */
const RETRY_MS = { first: 1, longest: 100 };

/** Resolves with how many bytes were taken; rejects with `EAGAIN` where there is no room for now. */
export type WriteSome = (bytes: Uint8Array) => Promise<number>;

/** `writeSome` is another one in tests. */
export function stdoutSink(clock: Clock, writeSome: WriteSome = stdoutWriter()): LineSink {
  let isClosed = false;
  return {
    async write(bytes) {
      let count = 0;
      let delayMs = RETRY_MS.first;
      while (count < bytes.length) {
        try {
          count += await writeSome(bytes.subarray(count));
          delayMs = RETRY_MS.first;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || isClosed) return { count, error: error as Error };
          await new Promise<void>((resolve) => clock.after(delayMs, resolve));
          delayMs = Math.min(delayMs * 2, RETRY_MS.longest);
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

/**
 * A write to a pipe that nobody reads would hang, and the end of the process with it. So a pipe is opened once more, to have it not
 * wait: to change that for the standard output itself would change it for whoever shares it, as the log may. What is no pipe, or may
 * not be opened, is written to as it is.
 */
function stdoutWriter(): WriteSome {
  return async (bytes) => {
    const to = await ownPipe();
    return new Promise((resolve, reject) => {
      write(to, bytes, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  };
}

/** Stays open as long as the process, as the standard output does; made once however many outputs there are. */
let pipe: Promise<number> | undefined;

function ownPipe(): Promise<number> {
  pipe ??= new Promise((resolve) => {
    if (!isPipe()) resolve(STDOUT);
    else
      open(STDOUT_PATH, constants.O_WRONLY | constants.O_NONBLOCK, (error, descriptor) =>
        resolve(error === null ? descriptor : STDOUT),
      );
  });
  return pipe;
}

function isPipe(): boolean {
  try {
    return fstatSync(STDOUT).isFIFO();
  } catch {
    // It was closed before we began: writing says so.
    return false;
  }
}
