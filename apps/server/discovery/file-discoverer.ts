// Targets in files that other programs write: watched, and read again from time to time in case a change was missed.
import { type FSWatcher, watch } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { FileDiscoveryConfig } from "../config/types.ts";
import type { Timer } from "../scrape/clock.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { parseGroups } from "./group-file.ts";
import type { TargetGroup } from "./target-group.ts";

/** Changes in quick succession are read once. */
const SETTLE_MS = 50;
/** Larger files are refused: a list of targets does not get there. */
const MAX_FILE_BYTES = 64 << 20;

/** Reads the files that its patterns name, whenever they change. */
export class FileDiscoverer implements Discoverer {
  readonly #config: FileDiscoveryConfig;
  readonly #context: DiscovererContext;
  readonly #watchers = new Map<string, FSWatcher>();
  /** How many groups each file gave when it was last read well. */
  readonly #groupCounts = new Map<string, number>();
  #emit: (groups: readonly TargetGroup[]) => void = () => {};
  #refreshTimer: Timer | undefined;
  #settleTimer: Timer | undefined;
  #reading = false;
  #readAgain = false;
  #stopped = false;

  constructor(config: FileDiscoveryConfig, context: DiscovererContext) {
    this.#config = config;
    this.#context = context;
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#emit = emit;
    this.#watchDirectories();
    void this.#refresh();
    this.#armRefresh();
  }

  stop(): void {
    this.#stopped = true;
    this.#emit = () => {};
    this.#refreshTimer?.cancel();
    this.#settleTimer?.cancel();
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
    for (const file of this.#groupCounts.keys()) this.#context.metrics.fileModified.remove(file);
  }

  #armRefresh(): void {
    this.#refreshTimer = this.#context.clock.after(this.#config.refreshIntervalMs, () => {
      this.#watchDirectories();
      void this.#refresh();
      this.#armRefresh();
    });
  }

  #watchDirectories(): void {
    for (const pattern of this.#config.files) {
      const directory = dirname(pattern);
      if (this.#watchers.has(directory)) continue;
      try {
        const watcher = watch(directory, { persistent: false }, () => this.#changed());
        watcher.on("error", (error) => {
          watcher.close();
          this.#watchers.delete(directory);
          this.#watchFailed(directory, error);
        });
        this.#watchers.set(directory, watcher);
      } catch (error) {
        this.#watchFailed(directory, error as Error);
      }
    }
  }

  #watchFailed(directory: string, error: Error): void {
    if (this.#stopped) return;
    this.#context.metrics.fileWatcherErrors.inc();
    this.#context.logger.error("Error adding file watch", { path: directory, err: error.message });
  }

  #changed(): void {
    if (this.#stopped || this.#settleTimer !== undefined) return;
    this.#settleTimer = this.#context.clock.after(SETTLE_MS, () => {
      this.#settleTimer = undefined;
      void this.#refresh();
    });
  }

  /** Reads all files. Never rejects; one run at a time. */
  async #refresh(): Promise<void> {
    if (this.#reading) {
      this.#readAgain = true;
      return;
    }
    this.#reading = true;
    const { metrics } = this.#context;
    const begun = performance.now();
    do {
      this.#readAgain = false;
      const found = new Set(await this.#findFiles());
      for (const path of found) await this.#read(path);
      for (const [path, count] of this.#groupCounts) {
        if (found.has(path)) continue;
        this.#groupCounts.delete(path);
        metrics.fileModified.remove(path);
        this.#emitGroups(emptied(path, 0, count));
      }
    } while (this.#readAgain && !this.#stopped);
    this.#reading = false;
    metrics.fileScanDuration.observe((performance.now() - begun) / 1000);
  }

  async #findFiles(): Promise<string[]> {
    const found: string[] = [];
    for (const pattern of this.#config.files) {
      const directory = dirname(pattern);
      const matches = globMatcher(basename(pattern));
      try {
        const names = await readdir(directory);
        found.push(
          ...names
            .filter(matches)
            .sort()
            .map((name) => join(directory, name)),
        );
      } catch (error) {
        // A directory that does not exist yet holds no files; that is not worth a line per minute.
        if ((error as NodeJS.ErrnoException).code === "ENOENT") continue;
        this.#context.logger.error("Error expanding glob", { glob: pattern, err: (error as Error).message });
      }
    }
    return found;
  }

  async #read(path: string): Promise<void> {
    const { metrics, logger } = this.#context;
    let groups: TargetGroup[];
    try {
      const { size, mtimeMs } = await stat(path);
      if (size > MAX_FILE_BYTES) throw new Error(`file is larger than ${MAX_FILE_BYTES} bytes`);
      const text = await readFile(path, "utf8");
      groups = parseGroups(text, /\.json$/i.test(path) ? "json" : "yaml", path, [["__meta_filepath", path]]);
      if (this.#stopped) return;
      metrics.fileModified.labels(path).set(mtimeMs / 1000);
    } catch (error) {
      if (this.#stopped) return;
      metrics.fileReadErrors.inc();
      logger.error("Error reading file", { path, err: (error as Error).message });
      return;
    }
    const before = this.#groupCounts.get(path) ?? 0;
    this.#groupCounts.set(path, groups.length);
    this.#emitGroups([...groups, ...emptied(path, groups.length, before)]);
  }

  #emitGroups(groups: readonly TargetGroup[]): void {
    if (!this.#stopped && groups.length > 0) this.#emit(groups);
  }
}

/** Groups that take away what a file held at these positions before. */
function emptied(path: string, from: number, to: number): TargetGroup[] {
  const groups: TargetGroup[] = [];
  for (let i = from; i < to; i++) groups.push({ source: `${path}:${i}`, labels: new Map(), targets: [] });
  return groups;
}

/** Tests names against a pattern with at most a few `*`, each standing for any run of characters. */
export function globMatcher(pattern: string): (name: string) => boolean {
  const parts = pattern.split("*");
  if (parts.length === 1) return (name) => name === pattern;
  const first = parts[0] as string;
  const last = parts.at(-1) as string;
  const middle = parts.slice(1, -1);
  return (name) => {
    if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
    let at = first.length;
    for (const part of middle) {
      const found = name.indexOf(part, at);
      if (found < 0) return false;
      at = found + part.length;
    }
    return at <= name.length - last.length;
  };
}
