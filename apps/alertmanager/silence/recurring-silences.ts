// Silences that come again: a schedule of time intervals, from which a silence is made each time that it begins to hold.
//
// What mutes is an ordinary silence, so that peers, other tools and the reference see it as one.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "@narthex/toolkit";
import { type Clock, every, type Timer } from "../clock.ts";
import { readTimeIntervals } from "../config/time-interval.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { Moment } from "../moment/moment.ts";
import { containsTime, type TimeInterval } from "../time-interval/interval.ts";
import { silenceState } from "./silence.ts";
import { SilenceError } from "./silence-check.ts";
import type { Silences } from "./silences.ts";

const CHECK_INTERVAL_MS = 15_000;
const MINUTE_MS = 60_000;
/** A silence made from a schedule is no longer than this; if it still holds then, the next one follows. */
const MAX_WINDOW_MINUTES = 24 * 60;
const MAX_RECURRING = 1000;
/** Annotation by which the silences of a schedule are known. */
export const RECURRING = "narthex_recurring";

/** As it was asked for, and is kept; `timeIntervals` in the keys of the configuration. */
export interface RecurringSilence {
  readonly id: string;
  /** Matchers as text, `{job="x"}`. */
  readonly matchers: string;
  readonly timeIntervals: readonly unknown[];
  readonly createdBy: string;
  readonly comment: string;
}

interface Scheduled {
  readonly recurring: RecurringSilence;
  readonly intervals: readonly TimeInterval[];
  /** When the silence that was made last was to end: one that somebody has ended before does not come back. */
  madeUntilMs: number;
}

export interface RecurringOptions {
  readonly file: string;
  readonly silences: Silences;
  readonly clock: Clock;
  readonly grammar: MatcherGrammar;
  readonly logger: Logger;
}

export class RecurringSilences {
  readonly #options: RecurringOptions;
  readonly #scheduled = new Map<string, Scheduled>();
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: RecurringOptions) {
    this.#options = options;
  }

  /** Reads what was kept, and begins. A file that cannot be read is reported and left as it is. */
  start(): void {
    const { file, clock, logger } = this.#options;
    if (existsSync(file)) {
      try {
        for (const recurring of JSON.parse(readFileSync(file, "utf8")) as RecurringSilence[]) this.#take(recurring);
      } catch (error) {
        logger.error("The recurring silences cannot be read", { file, err: (error as Error).message });
      }
    }
    this.#timer = every(clock, CHECK_INTERVAL_MS, () => void this.check());
    void this.check();
  }

  list(): RecurringSilence[] {
    return [...this.#scheduled.values()].map(({ recurring }) => recurring);
  }

  /** Resolves to its id once it is kept. Throws an error in one sentence for what cannot be. */
  async add(wanted: Omit<RecurringSilence, "id">): Promise<string> {
    if (this.#scheduled.size >= MAX_RECURRING)
      throw new SilenceError("limit", `there are ${MAX_RECURRING} recurring silences already`);
    const id = randomUUID();
    this.#take({ ...wanted, id });
    await this.#save();
    await this.check();
    return id;
  }

  /** Ends it, and the silence that it has made. Returns false for one that is not there. */
  async remove(id: string): Promise<boolean> {
    if (!this.#scheduled.delete(id)) return false;
    await this.#save();
    const active = this.#activeOf(id);
    if (active !== undefined) await this.#options.silences.expire(active);
    return true;
  }

  /** Makes the silences that are due. Never rejects. */
  async check(): Promise<void> {
    const { clock, silences, grammar, logger } = this.#options;
    const nowMs = clock.now();
    for (const scheduled of this.#scheduled.values()) {
      const { recurring, intervals, madeUntilMs } = scheduled;
      if (nowMs < madeUntilMs || !holds(intervals, nowMs) || this.#activeOf(recurring.id) !== undefined) continue;
      const now = Moment.fromMs(nowMs);
      const endMs = endOf(intervals, nowMs);
      scheduled.madeUntilMs = endMs;
      try {
        await silences.set({
          id: "",
          matcherSets: [grammar.matchers(recurring.matchers, "recurring")],
          startsAt: now,
          endsAt: Moment.fromMs(endMs),
          updatedAt: now,
          createdBy: recurring.createdBy,
          comment: recurring.comment,
          annotations: new Map([[RECURRING, recurring.id]]),
        });
      } catch (error) {
        logger.error("Making a recurring silence failed", { id: recurring.id, err: (error as Error).message });
      }
    }
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #take(recurring: RecurringSilence): void {
    const intervals = readTimeIntervals(recurring.timeIntervals);
    if (intervals.length === 0) throw new SilenceError("invalid", "a recurring silence needs a time interval");
    const matchers = this.#options.grammar.matchers(recurring.matchers, "recurring");
    if (matchers.length === 0) throw new SilenceError("invalid", "a recurring silence needs a matcher");
    this.#scheduled.set(recurring.id, { recurring, intervals, madeUntilMs: 0 });
  }

  #activeOf(id: string): string | undefined {
    const now = Moment.fromMs(this.#options.clock.now());
    for (const silence of this.#options.silences.all())
      if (silence.annotations.get(RECURRING) === id && silenceState(silence, now) !== "expired") return silence.id;
    return undefined;
  }

  #save(): Promise<void> {
    const text = `${JSON.stringify(this.list(), null, 2)}\n`;
    this.#saving = this.#saving.catch(() => {}).then(() => write(this.#options.file, text));
    return this.#saving;
  }
}

function holds(intervals: readonly TimeInterval[], ms: number): boolean {
  return intervals.some((interval) => containsTime(interval, ms));
}

/** The first full minute at which none holds any more. */
function endOf(intervals: readonly TimeInterval[], nowMs: number): number {
  const first = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS;
  for (let minute = 1; minute < MAX_WINDOW_MINUTES; minute++)
    if (!holds(intervals, first + minute * MINUTE_MS)) return first + minute * MINUTE_MS;
  return first + MAX_WINDOW_MINUTES * MINUTE_MS;
}

async function write(file: string, text: string): Promise<void> {
  mkdirSync(dirname(file), { recursive: true });
  const handle = await open(`${file}.new`, "w", 0o666);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  renameSync(`${file}.new`, file);
}
