// What became of alerts: a timeline of all their steps, kept apart from the samples in a folder of its own.
//
// Append-only files of bounded size, numbered; the oldest go when they are past retention or all of them too large. What
// a kill tears off the last line is passed over. The reference ignores the folder.
import { constants, mkdirSync, readdirSync } from "node:fs";
import { type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Matcher } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import { decodeRecord, encodeRecord, type HistoryRecord, type HistoryState } from "./history-record.ts";

export interface AlertHistoryOptions {
  /** Made if it is not there. */
  readonly directory: string;
  readonly retentionMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  /** Where the next file begins. */
  readonly segmentBytes?: number;
  /** All files together. */
  readonly maxBytes?: number;
}

export interface HistoryFilter {
  /** An alert passes when one of the sets matches its labels; no set passes all. */
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly states: ReadonlySet<HistoryState>;
  /** Milliseconds, both included. */
  readonly minTime: number;
  readonly maxTime: number;
  /** At most so many, the newest. */
  readonly limit: number;
}

export interface HistoryAnswer {
  /** Newest first. */
  readonly records: readonly HistoryRecord[];
  /** Whether older ones were left out. */
  readonly truncated: boolean;
}

const SEGMENT_BYTES = 1024 * 1024;
const MAX_BYTES = 64 * 1024 * 1024;
/** What may wait to be written; more is dropped, and said once until the disk keeps up again. */
const MAX_WAITING_BYTES = 8 * 1024 * 1024;
/** Groups write in the order in which they are done, not quite in that of their times: by this much, at most. */
const DISORDER_MS = 600_000;
const SEGMENT_NAME = /^\d{8}\.log$/;
const NEWLINE = 0x0a;
/** Records that are read in one go; between two such turns others may run. */
const RECORDS_PER_TURN = 500;

interface Segment {
  readonly number: number;
  bytes: number;
  /** Time of its first record; undefined while it has none. */
  firstTime: number | undefined;
}

export class AlertHistory {
  readonly #options: AlertHistoryOptions;
  #segments: Segment[] = [];
  #file: FileHandle | undefined;
  #waiting: { readonly t: number; readonly line: Buffer }[] = [];
  #waitingBytes = 0;
  #writing: Promise<void> = Promise.resolve();
  #isBehind = false;
  #failed = false;

  private constructor(options: AlertHistoryOptions) {
    this.#options = options;
  }

  /** Opens the folder. Rejects when it cannot be read or made. */
  static async open(options: AlertHistoryOptions): Promise<AlertHistory> {
    const history = new AlertHistory(options);
    // At once: a folder mostly without history is not worth loading Node's promises of files for, in the middle of a start.
    mkdirSync(options.directory, { recursive: true });
    const names = readdirSync(options.directory)
      .filter((name) => SEGMENT_NAME.test(name))
      .sort();
    for (const name of names) history.#segments.push(await history.#known(Number.parseInt(name, 10)));
    return history;
  }

  /** Notes a step; it is written as soon as the disk takes it. */
  note(record: HistoryRecord): void {
    const line = encodeRecord(record);
    if (line === undefined || this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      if (!this.#isBehind)
        this.#options.logger.warn("The history of alerts leaves out steps that are too large or too many");
      this.#isBehind = true;
      return;
    }
    this.#waiting.push({ t: record.t, line });
    this.#waitingBytes += line.length;
    if (this.#waiting.length === 1) this.#writing = this.#writing.then(() => this.#write());
  }

  /** What is kept of alerts that pass. Reads files of the time range only, and lets others run in between. */
  async query(filter: HistoryFilter): Promise<HistoryAnswer> {
    await this.#writing;
    const oldest = Math.max(filter.minTime, this.#options.now() - this.#options.retentionMs);
    const found: HistoryRecord[] = [];
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const { number, firstTime } = this.#segments[i] as Segment;
      const nextFirst = this.#segments[i + 1]?.firstTime ?? Number.POSITIVE_INFINITY;
      if (nextFirst < oldest - DISORDER_MS) break;
      // Enough was found, and nothing older can be newer than the last of it.
      const [last] = found.length > filter.limit ? found.slice(-1) : [];
      if (last !== undefined && nextFirst < last.t - DISORDER_MS) break;
      if (firstTime === undefined || firstTime > filter.maxTime + DISORDER_MS) continue;
      await this.#readInto(found, number, { ...filter, minTime: oldest });
      found.sort((a, b) => b.t - a.t);
      if (found.length > filter.limit + 1) found.length = filter.limit + 1;
    }
    return { records: found.slice(0, filter.limit), truncated: found.length > filter.limit };
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
  }

  async #known(number: number): Promise<Segment> {
    const path = this.#path(number);
    const { size } = await stat(path);
    for (const record of recordsOf(await readFile(path))) return { number, bytes: size, firstTime: record.t };
    return { number, bytes: size, firstTime: undefined };
  }

  async #readInto(found: HistoryRecord[], number: number, filter: HistoryFilter): Promise<void> {
    // It may have gone for its age in between.
    const bytes = await readFile(this.#path(number)).catch(() => Buffer.alloc(0));
    let count = 0;
    for (const record of recordsOf(bytes)) {
      if (++count % RECORDS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      if (passes(record, filter)) found.push(record);
    }
  }

  /** Writes all that waits. Never rejects: alerts go on without their history. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      try {
        await this.#append(batch);
        this.#failed = false;
        this.#isBehind = false;
      } catch (error) {
        if (!this.#failed) this.#options.logger.error("Writing the history of alerts failed", { err: error as Error });
        this.#failed = true;
        await this.#file?.close().catch(() => {});
        this.#file = undefined;
      }
    }
  }

  async #append(batch: readonly { readonly t: number; readonly line: Buffer }[]): Promise<void> {
    const segment = await this.#openSegment(batch[0]?.t ?? 0);
    const bytes = Buffer.concat(batch.map(({ line }) => line));
    await this.#file?.writeFile(bytes);
    await this.#file?.datasync();
    segment.bytes += bytes.length;
  }

  /** The file to write to, begun anew when the last one is full; the oldest go. */
  async #openSegment(t: number): Promise<Segment> {
    const { segmentBytes = SEGMENT_BYTES } = this.#options;
    let last = this.#segments.at(-1);
    if (last === undefined || last.bytes >= segmentBytes) {
      await this.#file?.close();
      this.#file = undefined;
      last = { number: (last?.number ?? 0) + 1, bytes: 0, firstTime: t };
      this.#segments.push(last);
      await this.#dropOld();
    }
    last.firstTime ??= t;
    if (this.#file === undefined) {
      const { O_APPEND, O_CREAT, O_WRONLY } = constants;
      this.#file = await open(this.#path(last.number), O_APPEND | O_CREAT | O_WRONLY, 0o644);
      // What was torn off ends here, so that it damages no more than itself.
      const { size } = await this.#file.stat();
      if (size > 0) await this.#file.writeFile("\n");
    }
    return last;
  }

  async #dropOld(): Promise<void> {
    const { maxBytes = MAX_BYTES, retentionMs, now } = this.#options;
    const oldest = now() - retentionMs - DISORDER_MS;
    let total = this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
    while (this.#segments.length > 1) {
      const [first, second] = this.#segments as [Segment, Segment];
      const isPast = second.firstTime !== undefined && second.firstTime < oldest;
      if (!isPast && total <= maxBytes) break;
      this.#segments.shift();
      total -= first.bytes;
      await rm(this.#path(first.number), { force: true });
    }
  }

  #path(number: number): string {
    return join(this.#options.directory, `${String(number).padStart(8, "0")}.log`);
  }
}

function* recordsOf(bytes: Buffer): Generator<HistoryRecord> {
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, start);
    // Without its newline a line is not finished, even if it looks so.
    if (end < 0) return;
    const record = end === start ? undefined : decodeRecord(bytes.subarray(start, end));
    if (record !== undefined) yield record;
    start = end + 1;
  }
}

function passes(
  { t, state, labels }: HistoryRecord,
  { minTime, maxTime, states, matcherSets }: HistoryFilter,
): boolean {
  if (t < minTime || t > maxTime || (states.size > 0 && !states.has(state))) return false;
  return (
    matcherSets.length === 0 ||
    matcherSets.some((matchers) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name))))
  );
}
