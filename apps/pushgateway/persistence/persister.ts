// Keeps the store in a file: written when it changed, at most once each interval, and at the end.
import { existsSync, readdirSync, readFileSync, renameSync, unlinkSync } from "node:fs";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { WireWriter } from "@narthex/encoding";
import type { Logger } from "@narthex/toolkit";
import type { Group } from "../store/group.ts";
import type { MetricStore } from "../store/metric-store.ts";
import { MAGIC, readState, writeEnd, writeGroup } from "./state-file.ts";

/** So much is gathered before it is written; other things get their turn in between. */
const PIECE_BYTES = 256 * 1024;

export interface PersisterOptions {
  readonly file: string;
  /** The least time between the beginnings of two writes, in milliseconds. */
  readonly intervalMs: number;
  readonly store: MetricStore;
  readonly logger: Logger;
}

export class Persister {
  readonly #options: PersisterOptions;
  #savedRevision = 0;
  #lastStartMs: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: PersisterOptions) {
    this.#options = options;
    this.#lastStartMs = Date.now();
  }

  /**
   * Fills the store from the file. A missing file is fine; one that cannot be read is set aside and reported, and what stands before
   * the damage is taken.
   */
  load(): void {
    const { file, store, logger } = this.#options;
    this.#removeDrafts();
    let bytes: Buffer;
    try {
      bytes = readFileSync(file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT")
        logger.error("could not load persisted metrics", { file, err: (error as Error).message });
      return;
    }
    const { groups, damage } = readState(bytes);
    store.restore(groups);
    if (damage === undefined) {
      logger.info("metrics loaded", { file, groups: groups.length });
      return;
    }
    const aside = this.#setAside();
    // What could be saved of it is nowhere else now.
    this.#savedRevision = -1;
    logger.error("could not load all persisted metrics", {
      file,
      err: damage,
      groups: groups.length,
      set_aside: aside,
    });
  }

  /** To be called after each change. */
  changed(): void {
    if (this.#isClosed || this.#timer !== undefined || this.#running !== undefined) return;
    const delayMs = Math.max(0, this.#lastStartMs + this.#options.intervalMs - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#running = this.#saveAndReport();
    }, delayMs);
  }

  /** Writes what is not written yet. Rejects when that cannot be done. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (this.#options.store.revision !== this.#savedRevision) await this.#save();
  }

  async #saveAndReport(): Promise<void> {
    const { file, logger, store } = this.#options;
    try {
      await this.#save();
      logger.info("metrics persisted", { file });
    } catch (error) {
      logger.error("error persisting metrics", { err: (error as Error).message });
    }
    this.#running = undefined;
    if (store.revision !== this.#savedRevision) this.changed();
  }

  async #save(): Promise<void> {
    const { file, store } = this.#options;
    this.#lastStartMs = Date.now();
    const { revision } = store;
    const groups = store.groups();
    const draft = `${file}.in_progress.${process.pid}`;
    const handle = await open(draft, "w", 0o600);
    try {
      try {
        await writeState(handle, groups);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(draft, file);
    } catch (error) {
      await unlink(draft).catch(() => {});
      throw error;
    }
    this.#savedRevision = revision;
    await syncFolder(dirname(file));
  }

  /** What an earlier process was writing when it was killed. */
  #removeDrafts(): void {
    const { file } = this.#options;
    try {
      for (const name of readdirSync(dirname(file)))
        if (name.startsWith(`${basename(file)}.in_progress.`)) unlinkSync(join(dirname(file), name));
    } catch {
      // They are only in the way of nobody.
    }
  }

  #setAside(): string {
    const { file, logger } = this.#options;
    const stamp = new Date().toISOString().replace(/[:.]/g, "-");
    let aside = `${file}.corrupt-${stamp}`;
    for (let i = 1; existsSync(aside); i++) aside = `${file}.corrupt-${stamp}-${i}`;
    try {
      renameSync(file, aside);
      return aside;
    } catch (error) {
      logger.error("could not set the damaged file aside", { file, err: (error as Error).message });
      return "";
    }
  }
}

/** Groups never change, so that what is written is the state of one moment however long it takes. */
async function writeState(handle: FileHandle, groups: readonly Group[]): Promise<void> {
  const writer = new WireWriter(PIECE_BYTES);
  writer.raw(MAGIC);
  for (const group of groups) {
    writeGroup(writer, group);
    if (writer.length < PIECE_BYTES) continue;
    await handle.writeFile(writer.view());
    writer.clear();
    await nextTurn();
  }
  writeEnd(writer, groups.length);
  await handle.writeFile(writer.view());
}

/** Makes a rename outlast a power cut. Not all file systems can. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => {});
  await handle?.close();
}
