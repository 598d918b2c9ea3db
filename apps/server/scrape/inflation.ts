// Decompressing large bodies beside the main thread, one at a time: however many bombs come, one core is left.
import { createGunzip } from "node:zlib";
import { ScrapeError } from "./scrape-error.ts";

/** What comes out at a time. */
const CHUNK_BYTES = 256 << 10;

interface Waiting {
  readonly isSuspect: boolean;
  readonly begin: () => void;
}

const waiting: Waiting[] = [];
let isBusy = false;

/**
 * Decompresses `source` piece by piece into `take`, which copies and may throw to end it. Those that are suspect (their
 * last body was too large) wait until no other does. Rejects with zlib's error, with what `take` threw, or with a
 * `ScrapeError` at `deadline` (as `performance.now()` counts).
 */
export async function inflate(
  source: Uint8Array,
  take: (piece: Uint8Array) => void,
  deadline: number,
  isSuspect: boolean,
): Promise<void> {
  await turn(deadline, isSuspect);
  try {
    await run(source, take, deadline);
  } finally {
    isBusy = false;
    const next = waiting.findIndex((each) => !each.isSuspect);
    waiting.splice(Math.max(0, next), 1)[0]?.begin();
  }
}

function turn(deadline: number, isSuspect: boolean): Promise<void> {
  if (!isBusy) {
    isBusy = true;
    return Promise.resolve();
  }
  return new Promise((resolve, reject) => {
    const entry: Waiting = {
      isSuspect,
      begin: () => {
        clearTimeout(timer);
        isBusy = true;
        resolve();
      },
    };
    const timer = setTimeout(
      () => {
        waiting.splice(waiting.indexOf(entry), 1);
        reject(tooLate());
      },
      Math.max(0, deadline - performance.now()),
    );
    waiting.push(entry);
  });
}

function run(source: Uint8Array, take: (piece: Uint8Array) => void, deadline: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    const end = (error: unknown): void => {
      clearTimeout(timer);
      gunzip.destroy();
      reject(error as Error);
    };
    const timer = setTimeout(() => end(tooLate()), Math.max(0, deadline - performance.now()));
    gunzip.on("data", (piece: Buffer) => {
      try {
        take(piece);
      } catch (error) {
        end(error);
      }
    });
    gunzip.on("error", end);
    gunzip.on("end", () => {
      clearTimeout(timer);
      resolve();
    });
    gunzip.end(source);
  });
}

function tooLate(): ScrapeError {
  return new ScrapeError("context deadline exceeded");
}
