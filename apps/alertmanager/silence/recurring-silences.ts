// Silences that come again: a schedule of time intervals, from which a silence is made each time that it begins to hold.
//
// What mutes is an ordinary silence, so that peers, other tools and the reference see it as one.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Logger } from "@narthex/toolkit";
import { type Clock, every, type Timer } from "../clock.ts";
import { readTimeIntervals } from "../config/time-interval.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { Moment } from "../moment/moment.ts";
import { damagedPath, writeDurably } from "../state/durable-file.ts";
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
  /** Entries of the file that say what cannot be. They mute nothing, but stay in the file for whoever can mend them. */
  readonly #unusable: unknown[] = [];
  #timer: Timer | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: RecurringOptions) {
    this.#options = options;
  }

  /**
   * Reads what was kept, and begins. Entries that cannot be used are reported, and stay in the file; a file that is no list of them
   * is set aside. Rejects when the file cannot be read at all.
   */
  async start(): Promise<void> {
    await this.#load();
    this.#timer = every(this.#options.clock, CHECK_INTERVAL_MS, () => void this.check());
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
    try {
      await this.#save();
    } catch (error) {
      this.#scheduled.delete(id);
      throw error;
    }
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
        scheduled.madeUntilMs = endMs;
      } catch (error) {
        logger.error("Making a recurring silence failed", { id: recurring.id, err: (error as Error).message });
      }
    }
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #load(): Promise<void> {
    const { file, logger } = this.#options;
    let text: string;
    try {
      text = await readFile(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
      throw error;
    }
    let entries: unknown;
    try {
      entries = JSON.parse(text);
      if (!Array.isArray(entries)) throw new Error("it is no list");
    } catch (error) {
      const setAside = damagedPath(file);
      await rename(file, setAside);
      logger.error("The recurring silences cannot be read", { file, setAside, err: (error as Error).message });
      return;
    }
    for (const [index, entry] of (entries as unknown[]).entries()) {
      try {
        this.#take(checkedEntry(entry));
      } catch (error) {
        this.#unusable.push(entry);
        logger.error("A recurring silence cannot be used", { file, index, err: (error as Error).message });
      }
    }
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
    const { file } = this.#options;
    const text = `${JSON.stringify([...this.list(), ...this.#unusable], null, 2)}\n`;
    this.#saving = this.#saving
      .catch(() => {})
      .then(async () => {
        await mkdir(dirname(file), { recursive: true });
        await writeDurably(file, text);
      });
    return this.#saving;
  }
}

/** Throws for what has not the shape of one; what its texts say is checked where it is taken in. */
function checkedEntry(entry: unknown): RecurringSilence {
  if (typeof entry !== "object" || entry === null) throw new SilenceError("invalid", "it is no object");
  const fields = entry as Record<string, unknown>;
  for (const name of ["id", "matchers", "createdBy", "comment"])
    if (typeof fields[name] !== "string") throw new SilenceError("invalid", `${name} must be a text`);
  if (!Array.isArray(fields["timeIntervals"])) throw new SilenceError("invalid", "timeIntervals must be a list");
  return entry as RecurringSilence;
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
