// Work on a database that takes long: turning a range of the head into a block, and old log segments into a checkpoint.
// It runs in a worker of its own, started for it and ended afterwards, so that ingestion does not feel it.
import { Worker } from "node:worker_threads";
import { firstLevel, writeBlock } from "./block/compactor.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { HeadSource } from "./head/head-source.ts";
import type { HeadView } from "./head/head-view.ts";
import { recordOf } from "./head/series-table.ts";
import type { DbShare, ReadTicket } from "./share.ts";
import { writeCheckpoint } from "./wal/checkpoint.ts";
import type { Compression } from "./wal/format.ts";

/** Samples with `minTime <= t < maxTime` become the block `ulid`. */
export interface BlockJob {
  readonly kind: "block";
  readonly ulid: string;
  readonly ticket: ReadTicket;
  readonly minTime: number;
  readonly maxTime: number;
}

/** Segments `from` to `to` of the log become a checkpoint, without samples before `minTime`. */
export interface CheckpointJob {
  readonly kind: "checkpoint";
  readonly from: number;
  readonly to: number;
  readonly minTime: number;
  /** Refs in the log that stand for series with another ref. */
  readonly aliases: readonly number[];
  readonly compression: Compression;
}

export type HeadJob = BlockJob | CheckpointJob;

/** Does a job on this thread. Throws when the disk refuses; nothing half-done stays under its final name. */
export function runHeadJob(fs: FileSystem, directory: string, view: HeadView, job: HeadJob): void {
  if (job.kind === "block") {
    const { ulid, minTime, maxTime, ticket } = job;
    const source = new HeadSource(view, ticket.snapshot, minTime, maxTime - 1);
    writeBlock(fs, directory, { ulid, minTime, maxTime, compaction: firstLevel(ulid) }, [source]);
    return;
  }
  const aliases = new Set(job.aliases);
  writeCheckpoint(fs, joinPath(directory, "wal"), job.from, job.to, {
    minTime: job.minTime,
    keep: (ref) => (ref < 2 ** 32 && recordOf(view.memory, ref) !== 0) || aliases.has(ref),
    compression: job.compression,
  });
}

/** Does a job in a worker when the files are on the disk, else here. Rejects as `runHeadJob` throws. */
export function startHeadJob(fs: FileSystem, share: DbShare, view: HeadView, job: HeadJob): Promise<void> {
  if (!(fs instanceof NodeFs)) {
    return new Promise((resolve) => {
      runHeadJob(fs, share.directory, view, job);
      resolve();
    });
  }
  return new Promise((resolve, reject) => {
    // Beside this file, whether it runs built, bundled or as it is.
    const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const script = new URL(`./head-compaction-worker.${ending}`, import.meta.url);
    const worker = new Worker(script, { workerData: { share, job } });
    worker.once("error", reject);
    worker.once("exit", (code) => (code === 0 ? resolve() : reject(new Error(`the worker ended with code ${code}`))));
  });
}
