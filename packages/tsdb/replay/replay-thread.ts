// The second thread of a replay, as the main thread holds it. It takes some 50 ms to come up, so whoever knows early that a long log
// waits starts it before anything else.
import { Worker } from "node:worker_threads";
import type { FileSystem } from "../fs/file-system.ts";
import { joinPath } from "../fs/file-system.ts";
import { NodeFs } from "../fs/node-fs.ts";
import type { Layout, SharedMemory } from "../memory/layout.ts";
import { listSegments } from "../wal/format.ts";

/** From so many bytes on a log is worth a second thread. */
export const SECOND_THREAD_FROM_BYTES: number = 8 * 2 ** 20;

/** What the thread needs to begin. */
export interface ReplayTask {
  readonly memory: SharedMemory;
  readonly layout: Layout;
  /** The log's directory. */
  readonly directory: string;
  /** The log's number among all of the process, as `Word.log` has it. */
  readonly log: number;
}

/** Good for one replay: `begin` it or `end` it. It does not keep the process alive. */
export class ReplayThread {
  readonly #worker: Worker;

  constructor() {
    // Beside this file, whether it runs built, bundled or as it is.
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#worker = new Worker(new URL(`./replay-worker.${ending}`, import.meta.url));
    // A thread that cannot start, or fails, says so in the shared words as far as it can; the log is read without it.
    this.#worker.on("error", () => {});
    this.#worker.unref();
  }

  /** The thread for the database of a directory (not opened yet), when its log is long; undefined when it is not. */
  static forDatabase(directory: string): ReplayThread | undefined {
    const bytes = logBytes(new NodeFs(), joinPath(directory, "wal"), 0);
    return bytes >= SECOND_THREAD_FROM_BYTES ? new ReplayThread() : undefined;
  }

  begin(task: ReplayTask): void {
    this.#worker.postMessage(task);
  }

  /** It is not needed. Idempotent. */
  end(): void {
    void this.#worker.terminate();
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
