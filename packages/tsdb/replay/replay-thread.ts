// The second thread of a replay, as the main thread holds it. It takes some 50 ms to come up, so whoever knows early that a long log
// waits starts it before anything else: it begins to read at once.
import { Worker } from "node:worker_threads";
import type { FileSystem } from "../fs/file-system.ts";
import { joinPath } from "../fs/file-system.ts";
import { NodeFs } from "../fs/node-fs.ts";
import { carve, HeadMemory, type Layout, reserveMemory, type SharedMemory } from "../memory/layout.ts";
import { lastCheckpoint, listSegments, WAL_DIRECTORY } from "../wal/format.ts";
import { AheadWords } from "./ahead-words.ts";

/** From so many bytes on a log is worth a second thread. */
export const SECOND_THREAD_FROM_BYTES: number = 8 * 2 ** 20;
/** Without a sign from it for so long it is taken for dead. */
const PATIENCE_MS = 30_000;

/** What the thread needs to begin. */
export interface ReplayTask {
  readonly memory: SharedMemory;
  readonly layout: Layout;
  /** The log's directory. */
  readonly directory: string;
  /** The log's number, as `Word.log` has it. */
  readonly log: number;
}

/** Reads one log from the start of a segment on. It does not keep the process alive. */
export class ReplayThread {
  /** The memory that a head is to be made on. */
  readonly memory: SharedMemory;
  /** The log's directory. */
  readonly directory: string;
  readonly fromSegment: number;
  readonly #words: AheadWords;
  readonly #worker: Worker;

  /** The scratch region of the memory is the thread's until it has ended, but for the first desk. */
  constructor(memory: SharedMemory, directory: string, fromSegment: number) {
    this.memory = memory;
    this.directory = directory;
    this.fromSegment = fromSegment;
    const layout = carve(memory.buffer.byteLength);
    this.#words = new AheadWords(new HeadMemory(memory, layout));
    const task: ReplayTask = { memory, layout, directory, log: this.#words.begin(fromSegment) };
    // Beside this file, whether it runs built, bundled or as it is.
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#worker = new Worker(new URL(`./replay-worker.${ending}`, import.meta.url), { workerData: task });
    // A thread that cannot start, or fails, says so in the shared words as far as it can; the log is read without it.
    this.#worker.on("error", () => {});
    this.#worker.unref();
  }

  /** The thread for the database of a directory (not opened yet), when its log is long; undefined when it is not, or memory is short. */
  static forDatabase(directory: string, reserve: () => SharedMemory = reserveMemory): ReplayThread | undefined {
    const fs = new NodeFs();
    const log = joinPath(directory, WAL_DIRECTORY);
    try {
      const from = (lastCheckpoint(fs, log)?.index ?? -1) + 1;
      if (logBytes(fs, log, from) < SECOND_THREAD_FROM_BYTES) return undefined;
      const memory = reserve();
      // A small one has no room for what is read ahead.
      return carve(memory.buffer.byteLength).scratch.bytes > 0 ? new ReplayThread(memory, log, from) : undefined;
    } catch {
      // Whoever opens the database will meet that too.
      return undefined;
    }
  }

  /** Whether it reads the log of this database. */
  isFor(directory: string): boolean {
    return this.directory === joinPath(directory, WAL_DIRECTORY);
  }

  /** Whether it reads this log for a head on this memory. */
  fits(memory: SharedMemory, directory: string, fromSegment: number): boolean {
    return this.memory === memory && this.directory === directory && this.fromSegment === fromSegment;
  }

  /** It is not needed any more. Returns whether it touches nothing from now on, for sure. Idempotent. */
  end(): boolean {
    const hasLeft = this.#words.end(PATIENCE_MS);
    void this.#worker.terminate();
    return hasLeft;
  }
}

/** Bytes of a log's segments from a number on; 0 where there is no log or the disk refuses. */
export function logBytes(fs: FileSystem, directory: string, fromSegment: number): number {
  let bytes = 0;
  try {
    for (const segment of listSegments(fs, directory)) if (segment.index >= fromSegment) bytes += segment.bytes;
  } catch {
    // Whoever reads the log will meet that too.
  }
  return bytes;
}
