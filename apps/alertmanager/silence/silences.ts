// All silences: making, changing and ending them, with every change on the disk before it is acknowledged.
import { randomUUID } from "node:crypto";
import type { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import type { Peer } from "../cluster/peer.ts";
import { type EventSink, noEvents } from "../event/event.ts";
import { silenceCreated, silenceUpdated } from "../event/events.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { Moment } from "../moment/moment.ts";
import {
  decodedRecords,
  framed,
  type LoadedState,
  noStore,
  StateFile,
  type StateStore,
  takingSound,
} from "../state/state-file.ts";
import { type KeptSilence, type Silence, type SilenceState, silenceState } from "./silence.ts";
import { canUpdate, checkSilence, SilenceError } from "./silence-check.ts";
import { decodeSilence, encodeSilence, silenceBytes } from "./silence-format.ts";
import { SilenceIndex } from "./silence-index.ts";
import type { SilenceMetrics } from "./silence-metrics.ts";

export interface SilencesOptions {
  /** Undefined: nothing is kept. */
  readonly file: string | undefined;
  readonly retentionMs: number;
  /** Expired ones included; 0 or less: no limit. */
  readonly maxSilences: number;
  /** Of one silence; 0 or less: no limit. */
  readonly maxBytes: number;
  readonly logsChanges: boolean;
  readonly clock: Clock;
  readonly grammar: MatcherGrammar;
  readonly peer: Peer;
  readonly logger: Logger;
  readonly metrics: SilenceMetrics;
  /** Undefined: nobody takes note. */
  readonly events?: EventSink;
}

export class Silences {
  readonly #options: SilencesOptions;
  readonly #kept = new Map<string, KeptSilence>();
  readonly #index = new SilenceIndex();
  readonly #file: StateStore;
  /** Rises with every silence that is added: who remembers which silences fit an alert looks here whether that still holds. */
  #version = 0;

  constructor(options: SilencesOptions) {
    this.#options = options;
    this.#file = options.file === undefined ? noStore : new StateFile(options.file, () => this.snapshot());
  }

  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Reads what an earlier process left. */
  async load(): Promise<LoadedState> {
    const refuse = (error: Error): void => {
      this.#options.metrics.badPattern("load_snapshot");
      this.#options.logger.error("Failed to compile silence matchers during snapshot load", { err: error.message });
    };
    const loaded = await this.#file.load(takingSound(decodeSilence, (kept) => this.#store(kept), refuse));
    this.#options.metrics.count(this);
    return loaded;
  }

  get(id: string): Silence | undefined {
    return this.#kept.get(id)?.silence;
  }

  *all(): Generator<Silence> {
    for (const { silence } of this.#kept.values()) yield silence;
  }

  /** How many are in a state now. */
  countState(state: SilenceState): number {
    const now = this.#now();
    let count = 0;
    for (const silence of this.all()) if (silenceState(silence, now) === state) count++;
    return count;
  }

  /** Ids of all silences, of whatever state, whose matchers fit. */
  fitting(labels: Labels): string[] {
    return this.#options.metrics.query(this.#kept.size, this.#index, () => this.#index.fitting(labels));
  }

  /**
   * Makes or changes a silence and returns its id: a new one where the change would rewrite the past, and the old silence ends then.
   * Resolves once it is safe. Throws a `SilenceError`.
   */
  async set(wanted: Silence): Promise<string> {
    const { grammar, events = noEvents } = this.#options;
    const now = this.#now();
    const asked = wanted.startsAt.isZero ? { ...wanted, startsAt: now } : wanted;
    checkSilence(asked, grammar);
    const before = this.get(asked.id);
    if (asked.id !== "" && before === undefined) throw new SilenceError("not_found", "silence not found");
    if (before !== undefined && canUpdate(before, asked, now)) {
      const kept = this.#keep({ ...asked, updatedAt: now });
      this.#log("update silence", kept.silence);
      await this.#change(kept);
      events.record(silenceUpdated(kept.silence));
      return asked.id;
    }
    this.#checkRoom();
    const startsAt = asked.startsAt.isBefore(now) ? now : asked.startsAt;
    const kept = this.#keep({ ...asked, id: randomUUID(), startsAt, updatedAt: now });
    const ending = before === undefined ? Promise.resolve() : this.expire(before.id);
    this.#log("create silence", kept.silence);
    await Promise.all([ending, this.#change(kept)]);
    events.record(silenceCreated(kept.silence));
    return kept.silence.id;
  }

  /** Ends a silence now; one that is over stays as it is. Throws a `SilenceError` for one that is not there. */
  async expire(id: string): Promise<void> {
    const silence = this.get(id);
    if (silence === undefined) throw new SilenceError("not_found", "silence not found");
    const now = this.#now();
    const state = silenceState(silence, now);
    if (state === "expired") return;
    const startsAt = state === "pending" ? now : silence.startsAt;
    const updatedAt = newer(now, silence);
    const ended = { ...silence, startsAt, endsAt: now, updatedAt };
    this.#log("expire silence", ended);
    await this.#change({ silence: ended, expiresAt: now.plusMs(this.#options.retentionMs) });
  }

  /** Takes what a peer knows: records one behind the other, of which the newer ones win. Throws for what are none. */
  merge(bytes: Uint8Array): void {
    const { entries: arrived, refused } = decodedRecords(bytes, decodeSilence);
    if (refused !== undefined)
      this.#options.logger.warn("A peer's silence is not understood, and left out", { err: refused.message });
    for (const kept of arrived) {
      if (!this.#isNews(kept)) continue;
      this.#store(kept);
      const record = encodeSilence(kept);
      this.#options.peer.broadcast("sil", framed(record));
      this.#options.metrics.propagated();
      this.#file.append(record).catch((error: Error) => {
        this.#options.logger.error("Keeping a peer's silence failed", { err: error.message });
      });
    }
    this.#options.metrics.count(this);
  }

  /** Everything, as `merge` of another takes it. */
  snapshot(): Uint8Array {
    return Buffer.concat([...this.#kept.values()].map((kept) => framed(encodeSilence(kept))));
  }

  /** Forgets what ended longer ago than the retention, and writes the file anew. */
  async maintain(): Promise<void> {
    await this.#options.metrics.maintain(
      () => this.#collect(),
      () => this.#file.compact(),
    );
    this.#options.metrics.count(this);
  }

  async close(): Promise<void> {
    this.#collect();
    await this.#file.close();
  }

  #collect(): void {
    const now = this.#now();
    for (const [id, { silence, expiresAt }] of this.#kept) {
      if (expiresAt.isAfter(now)) continue;
      this.#kept.delete(id);
      this.#index.remove(silence);
    }
  }

  #isNews({ silence, expiresAt }: KeptSilence): boolean {
    if (expiresAt.isBefore(this.#now())) return false;
    const known = this.get(silence.id);
    return known === undefined || known.updatedAt.isBefore(silence.updatedAt);
  }

  async #change(kept: KeptSilence): Promise<void> {
    this.#store(kept);
    const record = encodeSilence(kept);
    this.#options.peer.broadcast("sil", framed(record));
    this.#options.metrics.count(this);
    await this.#file.append(record);
  }

  #store(kept: KeptSilence): void {
    const { silence } = kept;
    const known = this.get(silence.id);
    if (known !== undefined) this.#index.remove(known);
    this.#index.add(silence);
    this.#kept.set(silence.id, kept);
    this.#version++;
  }

  /** Adds when it may be forgotten. Throws a `SilenceError` when it is too large. */
  #keep(silence: Silence): KeptSilence {
    const updatedAt = newer(silence.updatedAt, this.get(silence.id));
    const kept = { silence: { ...silence, updatedAt }, expiresAt: silence.endsAt.plusMs(this.#options.retentionMs) };
    const { maxBytes } = this.#options;
    const bytes = maxBytes > 0 ? silenceBytes(kept) : 0;
    if (maxBytes > 0 && bytes > maxBytes)
      throw new SilenceError("limit", `silence exceeded maximum size: ${bytes} bytes (limit: ${maxBytes} bytes)`);
    return kept;
  }

  #checkRoom(): void {
    const { maxSilences } = this.#options;
    if (maxSilences > 0 && this.#kept.size + 1 > maxSilences)
      throw new SilenceError(
        "limit",
        `exceeded maximum number of silences: ${this.#kept.size} (limit: ${maxSilences})`,
      );
  }

  #now(): Moment {
    return Moment.fromMs(this.#options.clock.now());
  }

  #log(message: string, silence: Silence): void {
    if (!this.#options.logsChanges) return;
    this.#options.logger.info(message, {
      Id: silence.id,
      CreatedBy: silence.createdBy,
      Comment: silence.comment,
      StartsAt: silence.startsAt.toRfc3339(),
      EndsAt: silence.endsAt.toRfc3339(),
      Matchers: silence.matcherSets
        .flat()
        .map(({ type, name, value }) => name + type + value)
        .join(","),
    });
  }
}

/** Of two changes within one tick of the clock the later one must be the newer one, or peers would keep the earlier. */
function newer(now: Moment, known: Silence | undefined): Moment {
  return known === undefined || now.isAfter(known.updatedAt) ? now : known.updatedAt.next();
}
