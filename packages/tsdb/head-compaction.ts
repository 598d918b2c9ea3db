// Work on a database that takes long: turning a range of the head into a block, old log segments into a checkpoint, blocks into
// larger ones, deletions. It runs in a worker of its own, started for it and ended afterwards, so that ingestion does not feel it.
import { Worker } from "node:worker_threads";
import { Matcher, type MatchType } from "@narthex/model";
import { ulid } from "ulid";
import { Block } from "./block/block.ts";
import { compactBlocks, firstLevel, linkBlock, writeBlock } from "./block/compactor.ts";
import { FROM_OUT_OF_ORDER } from "./block/meta.ts";
import type { FloatEncoding } from "./chunk/float-encoding.ts";
import { baseName, type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { HeadSource } from "./head/head-source.ts";
import type { HeadView } from "./head/head-view.ts";
import { lateRanges, lateRecords, OutOfOrderSource } from "./head/out-of-order-source.ts";
import { recordOf } from "./head/series-table.ts";
import { rangesOf } from "./head/stale-series.ts";
import type { DbShare, ReadTicket } from "./share.ts";
import { HeadDeletions } from "./tombstone/head-deletions.ts";
import { writeCheckpoint } from "./wal/checkpoint.ts";
import type { Compression } from "./wal/format.ts";

/** Samples with `minTime <= t < maxTime` become the block `ulid` in `target`, the data directory unless told. */
export interface BlockJob {
  readonly kind: "block";
  readonly ulid: string;
  readonly ticket: ReadTicket;
  readonly minTime: number;
  readonly maxTime: number;
  readonly target?: string;
  /** Where chunk files are cut. */
  readonly segmentBytes?: number | undefined;
  /** How floats are encoded where they are encoded anew; `xor` unless told. */
  readonly floats?: FloatEncoding | undefined;
}

/** Late samples become a block in `target` (the data directory unless told) for each range of `rangeMs` that has some. */
export interface LateBlocksJob {
  readonly kind: "late-blocks";
  readonly target?: string;
  readonly ticket: ReadTicket;
  readonly rangeMs: number;
  /** Wall clock in milliseconds, for the names. */
  readonly now: number;
  /** Where chunk files are cut. */
  readonly segmentBytes?: number | undefined;
  /** How floats are encoded where they are encoded anew; `xor` unless told. */
  readonly floats?: FloatEncoding | undefined;
}

/** The samples of some series become a block for each range of `rangeMs` that has some. */
export interface SeriesBlocksJob {
  readonly kind: "series-blocks";
  readonly ticket: ReadTicket;
  readonly refs: Uint32Array;
  readonly rangeMs: number;
  /** What the blocks say of where they come from. */
  readonly hint: string;
  /** Wall clock in milliseconds, for the names. */
  readonly now: number;
  /** Where chunk files are cut. */
  readonly segmentBytes?: number | undefined;
  /** How floats are encoded where they are encoded anew; `xor` unless told. */
  readonly floats?: FloatEncoding | undefined;
}

/** Segments `from` to `to` of the log become a checkpoint, without samples before `minTime` and deletions before `stonesFrom`. */
export interface CheckpointJob {
  readonly kind: "checkpoint";
  readonly from: number;
  readonly to: number;
  readonly minTime: number;
  readonly stonesFrom: number;
  /** Refs in the log whose labels are needed, though the head has no series by them. */
  readonly aliases: readonly number[];
  readonly compression: Compression;
}

/** The blocks at `paths` become one, named `ulid`; see `compactBlocks`. One alone is written anew without what was deleted. */
export interface MergeJob {
  readonly kind: "merge";
  readonly paths: readonly string[];
  readonly ulid: string;
  /** Where chunk files are cut. */
  readonly segmentBytes?: number | undefined;
  /** How floats are encoded where they are encoded anew; `xor` unless told. */
  readonly floats?: FloatEncoding | undefined;
}

/** Samples with `minTime <= t <= maxTime` of series that pass the matchers get tombstones in the blocks at `paths`. */
export interface DeleteJob {
  readonly kind: "delete";
  readonly paths: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly (readonly [type: MatchType, name: string, value: string])[];
}

/** The blocks at `paths` get a second name in the directory `target`. */
export interface LinkJob {
  readonly kind: "link";
  readonly paths: readonly string[];
  readonly target: string;
}

/** What lies at `paths` goes. */
export interface RemoveJob {
  readonly kind: "remove";
  readonly paths: readonly string[];
}

export type HeadJob =
  | BlockJob
  | LateBlocksJob
  | SeriesBlocksJob
  | CheckpointJob
  | MergeJob
  | DeleteJob
  | LinkJob
  | RemoveJob;

/** Does a job on this thread. Throws when the disk refuses; nothing half-done stays under its final name. */
export function runHeadJob(fs: FileSystem, directory: string, view: HeadView, job: HeadJob): void {
  switch (job.kind) {
    case "block": {
      const { ulid, minTime, maxTime, ticket } = job;
      const deletions = new HeadDeletions(ticket.headDeletions);
      const source = new HeadSource(view, ticket.snapshot, minTime, maxTime - 1, deletions);
      const block = { ulid, minTime, maxTime, compaction: firstLevel(ulid) };
      writeBlock(fs, job.target ?? directory, block, [source], job.segmentBytes, job.floats);
      return;
    }
    case "late-blocks": {
      const { floats, now, rangeMs, ticket } = job;
      const deletions = new HeadDeletions(ticket.headDeletions);
      const records = lateRecords(view, ticket.snapshot);
      for (const minTime of lateRanges(view, ticket.snapshot, records, rangeMs)) {
        const maxTime = minTime + rangeMs;
        const source = new OutOfOrderSource(view, ticket.snapshot, records, minTime, maxTime - 1, deletions, floats);
        const id = ulid(now);
        const block = { ulid: id, minTime, maxTime, compaction: firstLevel(id, [FROM_OUT_OF_ORDER]) };
        writeBlock(fs, job.target ?? directory, block, [source], job.segmentBytes, floats);
      }
      return;
    }
    case "series-blocks": {
      const { now, rangeMs, ticket } = job;
      const deletions = new HeadDeletions(ticket.headDeletions);
      const records = job.refs.map((ref) => recordOf(view.memory, ref)).filter((record) => record !== 0);
      for (const minTime of rangesOf(view, records, rangeMs)) {
        const maxTime = minTime + rangeMs;
        const source = new HeadSource(view, ticket.snapshot, minTime, maxTime - 1, deletions, records);
        const id = ulid(now);
        const block = { ulid: id, minTime, maxTime, compaction: firstLevel(id, [job.hint]) };
        writeBlock(fs, directory, block, [source], job.segmentBytes, job.floats);
      }
      return;
    }
    case "checkpoint": {
      const aliases = new Set(job.aliases);
      writeCheckpoint(fs, joinPath(directory, "wal"), job.from, job.to, {
        minTime: job.minTime,
        stonesFrom: job.stonesFrom,
        keep: (ref) => (ref < 2 ** 32 && recordOf(view.memory, ref) !== 0) || aliases.has(ref),
        compression: job.compression,
      });
      return;
    }
    case "merge":
      compactBlocks(fs, directory, job.paths, job.ulid, job.segmentBytes, job.floats);
      return;
    case "delete": {
      const matchers = job.matchers.map(([type, name, value]) => new Matcher(type, name, value));
      for (const path of job.paths) {
        const block = Block.open(fs, path);
        try {
          block.delete(job.minTime, job.maxTime, matchers);
        } finally {
          block.close();
        }
      }
      return;
    }
    case "link":
      for (const path of job.paths) linkBlock(fs, path, joinPath(job.target, baseName(path)));
      fs.syncDirectory(job.target);
      return;
    case "remove":
      for (const path of job.paths) fs.removeAll(path);
  }
}

/** Does jobs in workers when the files are on the disk, else on this thread. */
export class JobRunner {
  readonly #fs: FileSystem;
  readonly #share: DbShare;
  readonly #view: HeadView;
  readonly #workers = new Set<Worker>();
  #ended = false;

  constructor(fs: FileSystem, share: DbShare, view: HeadView) {
    this.#fs = fs;
    this.#share = share;
    this.#view = view;
  }

  /** Whether a job is under way in a worker. */
  get isBusy(): boolean {
    return this.#workers.size > 0;
  }

  /** Rejects as `runHeadJob` throws, with the error's code, and when the job is abandoned. */
  run(job: HeadJob): Promise<void> {
    if (this.#ended) return Promise.reject(new Error("database is closed"));
    if (!(this.#fs instanceof NodeFs)) {
      return new Promise((resolve) => {
        runHeadJob(this.#fs, this.#share.directory, this.#view, job);
        resolve();
      });
    }
    return new Promise((resolve, reject) => {
      // Beside this file, whether it runs built, bundled or as it is.
      const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
      const script = new URL(`./head-compaction-worker.${ending}`, import.meta.url);
      const worker = new Worker(script, { workerData: { share: this.#share, job } });
      this.#workers.add(worker);
      worker.once("error", reject);
      worker.once("exit", (code) => {
        this.#workers.delete(worker);
        if (code === 0 && !this.#ended) resolve();
        else reject(new Error(`the worker of a ${job.kind} job ended with code ${code}`));
      });
    });
  }

  /** Ends all jobs where they stand, and takes no more. What they leave has names that the next start removes. */
  async abandon(): Promise<void> {
    this.#ended = true;
    await Promise.all([...this.#workers].map((worker) => worker.terminate()));
  }
}
