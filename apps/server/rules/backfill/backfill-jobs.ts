// Recording rules that are computed for the past: one job after the other, range by range, in the background.
import type { Logger } from "@narthex/toolkit";
import type { BackfilledRange, BackfillRange } from "./backfill-range.ts";

/** What is computed, milliseconds throughout. */
export interface BackfillOrder {
  readonly name: string;
  readonly query: string;
  readonly labels: readonly string[];
  readonly group: string;
  readonly file: string;
  readonly intervalMs: number;
  /** How far into each interval the rule's samples stand. */
  readonly phaseMs: number;
  readonly startMs: number;
  readonly endMs: number;
}

export type BackfillState = "queued" | "running" | "done" | "failed" | "canceled";

/** A job, as it stands. */
export interface BackfillJob {
  readonly id: number;
  readonly order: BackfillOrder;
  readonly begunMs: number;
  state: BackfillState;
  /** Everything before is done. */
  doneUntilMs: number;
  /** Up to where blocks can be written at present; what lies behind is left for another run. */
  untilMs: number;
  blocks: number;
  samples: number;
  skipped: number;
  error: string | undefined;
}

export interface BackfillOptions {
  readonly directory: string;
  /** The range of blocks, milliseconds. */
  readonly blockRangeMs: number;
  /** The first time that is in the head: blocks must end before it, or a restart would take the head's log for old. */
  readonly headStart: () => number;
  /** The first time of which there is, or may be kept, anything. */
  readonly oldestTime: () => number;
  /** Computes and writes one range, on another thread. */
  readonly run: (range: BackfillRange, signal: AbortSignal) => Promise<BackfilledRange>;
  /** Has the database look for new blocks. */
  readonly onBlock: () => void;
  readonly now: () => number;
  readonly logger: Logger;
}

/** Jobs that wait or run, and ended ones that are still told of. */
const MAX_OPEN_JOBS = 16;
const MAX_ENDED_JOBS = 100;

export class BackfillJobs {
  readonly #options: BackfillOptions;
  readonly #jobs: BackfillJob[] = [];
  readonly #stops = new Map<number, AbortController>();
  #lastId = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: BackfillOptions) {
    this.#options = options;
  }

  /** Newest last. */
  get list(): readonly BackfillJob[] {
    return this.#jobs;
  }

  /** Takes an order; undefined when too many wait already. An order that is under way already is not taken twice. */
  add(order: BackfillOrder): BackfillJob | undefined {
    const open = this.#jobs.filter(({ state }) => state === "queued" || state === "running");
    const same = open.find((job) => JSON.stringify(job.order) === JSON.stringify(order));
    if (same !== undefined) return same;
    if (open.length >= MAX_OPEN_JOBS) return undefined;
    const job: BackfillJob = {
      id: ++this.#lastId,
      order,
      begunMs: this.#options.now(),
      state: "queued",
      doneUntilMs: order.startMs,
      untilMs: order.endMs,
      blocks: 0,
      samples: 0,
      skipped: 0,
      error: undefined,
    };
    this.#jobs.push(job);
    const ended = this.#jobs.filter((other) => !open.includes(other) && other !== job);
    if (ended.length > MAX_ENDED_JOBS) this.#jobs.splice(this.#jobs.indexOf(ended[0] as BackfillJob), 1);
    const stop = new AbortController();
    this.#stops.set(job.id, stop);
    this.#running = this.#running.then(() => this.#run(job, stop.signal));
    return job;
  }

  /** Calls a job off; what it wrote stays. False when no such job is open. */
  cancel(id: number): boolean {
    const stop = this.#stops.get(id);
    stop?.abort();
    return stop !== undefined;
  }

  async stop(): Promise<void> {
    for (const stop of this.#stops.values()) stop.abort();
    await this.#running;
  }

  async #run(job: BackfillJob, signal: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    try {
      if (!signal.aborted) {
        job.state = "running";
        await this.#ranges(job, signal);
      }
      job.state = signal.aborted ? "canceled" : "done";
    } catch (error) {
      job.state = signal.aborted ? "canceled" : "failed";
      job.error = (error as Error).message;
      if (!signal.aborted)
        logger.warn("Backfilling a recording rule failed", { rule: job.order.name, err: error as Error });
    } finally {
      this.#stops.delete(job.id);
    }
  }

  async #ranges(job: BackfillJob, signal: AbortSignal): Promise<void> {
    const { blockRangeMs, headStart, oldestTime, run, onBlock, directory } = this.#options;
    const { order } = job;
    const { name, query, labels, intervalMs, phaseMs } = order;
    job.untilMs = Math.min(order.endMs, Math.floor(headStart() / blockRangeMs) * blockRangeMs - 1);
    const first = Math.max(order.startMs, oldestTime());
    for (
      let blockStart = Math.floor(first / blockRangeMs) * blockRangeMs;
      blockStart <= job.untilMs && !signal.aborted;
      blockStart += blockRangeMs
    ) {
      const blockEnd = blockStart + blockRangeMs;
      const startMs = slotFrom(Math.max(first, blockStart), intervalMs, phaseMs);
      const lastMs = Math.min(job.untilMs, blockEnd - 1);
      const endMs = slotFrom(lastMs + 1, intervalMs, phaseMs) - intervalMs;
      if (startMs <= endMs) {
        const range = { directory, name, query, labels, startMs, endMs, stepMs: intervalMs, blockStart, blockEnd };
        const { samples, skipped, ulid } = await run(range, signal);
        job.samples += samples;
        job.skipped += skipped;
        if (ulid !== undefined) {
          job.blocks++;
          onBlock();
        }
      }
      job.doneUntilMs = Math.min(blockEnd, job.untilMs + 1);
    }
  }
}

/** The first slot that is not before `t`. */
function slotFrom(t: number, intervalMs: number, phaseMs: number): number {
  return Math.ceil((t - phaseMs) / intervalMs) * intervalMs + phaseMs;
}
