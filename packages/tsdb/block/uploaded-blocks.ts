// The file in which a shipper (Thanos) names the blocks it has copied: others wait with their first compaction.
import { type FileSystem, readWholeFile } from "../fs/file-system.ts";
import type { Logger } from "../logger.ts";
import type { BlockMeta } from "./meta.ts";

const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** Reads `{"version":1,"uploaded":["ULID"]}` anew each time: it is small, and somebody else replaces it. */
export class UploadedBlocks {
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #logger: Logger;

  constructor(fs: FileSystem, path: string, logger: Logger) {
    this.#fs = fs;
    this.#path = path;
    this.#logger = logger;
  }

  /**
   * The blocks that may be compacted: those before the first one, by ULID, that is of level 1 and not uploaded yet. As in the
   * reference, so that nothing younger is merged past it. While the file cannot be read, blocks of level 1 wait.
   */
  compactable(blocks: readonly BlockMeta[]): BlockMeta[] {
    const uploaded = this.#read();
    const sorted = [...blocks].sort((a, b) => (a.ulid < b.ulid ? -1 : 1));
    const first = sorted.findIndex(({ compaction, ulid }) => compaction.level <= 1 && !uploaded.has(ulid));
    return first < 0 ? sorted : sorted.slice(0, first);
  }

  #read(): ReadonlySet<string> {
    try {
      const text = new TextDecoder().decode(readWholeFile(this.#fs, this.#path, MAX_FILE_BYTES));
      const { uploaded } = JSON.parse(text) as { uploaded?: unknown };
      return new Set(Array.isArray(uploaded) ? uploaded.map((ulid) => String(ulid)) : []);
    } catch (error) {
      this.#logger.warn("Cannot read the file of uploaded blocks, new blocks are not compacted", {
        file: this.#path,
        err: error,
      });
      return new Set();
    }
  }
}
