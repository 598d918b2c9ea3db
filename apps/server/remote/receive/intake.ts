// One remote write request on its way into an appender: verdicts become answers.
import { copyToSchema, type Exemplar, type Labels, type Metadata, validateHistogram } from "@narthex/model";
import { Append, type Appendable, type Appender, type LabelBytes, type SeriesRef } from "@narthex/storage";
import type { WireHistogram } from "../histogram-wire.ts";
import type { SeriesCache } from "./series-cache.ts";

/** How much later than now a sample may be. */
const MAX_AHEAD_MS = 10 * 60 * 1000;
/** Finer schemas than the storage's are made coarser, as far as the format goes. */
const FINEST_SCHEMA = 8;
const FINEST_READABLE_SCHEMA = 52;

const REFUSALS: Readonly<Record<Append, string>> = {
  [Append.ok]: "",
  [Append.outOfOrder]: "out of order sample",
  [Append.duplicate]: "duplicate sample for timestamp",
  [Append.outOfBounds]: "out of bounds",
  [Append.tooOld]: "too old sample",
  [Append.unknownRef]: "unknown series ref",
  [Append.unsupported]: "samples of this kind are not supported by the storage",
};
/** A new series was not made: a budget is used up, or memory is short. Counted by whoever refused it. */
export const OVER_BUDGET = "new series refused";
const TOO_FAR = "out of bounds: timestamp is too far in the future";

/** A sample that was not taken. `fault` tells whose fault it was: the sender's, which must not retry, or ours. */
export interface Refusal {
  readonly fault: "sender" | "receiver";
  readonly message: string;
}

/** Whoever can say what the labels of the series at hand are, should the storage have forgotten it. */
export interface LabelSource {
  labelsAtHand(): Labels;
}

/**
 * A transaction with the series that the request is at. Samples are refused by return value: undefined means taken.
 * Of a series with several samples in one request, those that come too late for an earlier one of them are left out
 * silently, as the reference does at commit.
 */
export class Intake {
  readonly #appender: Appender;
  readonly #keepsMetadata: boolean;
  readonly #cache: SeriesCache;
  readonly #maxTime: number;
  #ref: SeriesRef = 0;
  #labels: LabelSource | undefined;
  #hasTaken = false;

  constructor(appendable: Appendable, cache: SeriesCache, now: number, keepsMetadata: boolean) {
    this.#keepsMetadata = keepsMetadata;
    this.#appender = appendable.appender();
    this.#cache = cache;
    this.#maxTime = now + MAX_AHEAD_MS;
  }

  /** What follows is of a series that the cache just found. */
  beginKnown(ref: SeriesRef, labels: LabelSource): void {
    this.#ref = ref;
    this.#labels = labels;
    this.#hasTaken = false;
  }

  /** What follows is of the series with these labels. Returns its ref, for the cache; 0 when the storage would not make it. */
  begin(labels: Labels, source: LabelSource): SeriesRef {
    this.beginKnown(this.#appender.series(labels), source);
    return this.#ref;
  }

  /** The same for labels as bytes. */
  beginBytes(labels: LabelBytes, source: LabelSource): SeriesRef {
    this.beginKnown(this.#appender.seriesOfBytes(labels), source);
    return this.#ref;
  }

  float(t: number, high: number, low: number, startTime: number): Refusal | undefined {
    if (t > this.#maxTime) return { fault: "sender", message: TOO_FAR };
    if (t < Number.MIN_SAFE_INTEGER) return { fault: "sender", message: REFUSALS[Append.outOfBounds] };
    let verdict = this.#appender.appendBits(this.#ref, t, high, low, startTime);
    if (verdict === Append.ok) {
      this.#hasTaken = true;
      return undefined;
    }
    if (verdict === Append.unknownRef) {
      if (!this.#resolve()) return undefined;
      verdict = this.#appender.appendBits(this.#ref, t, high, low, startTime);
    }
    return this.#refusal(verdict);
  }

  histogram({ t, startTime, integer, histogram: given }: WireHistogram): Refusal | undefined {
    if (t > this.#maxTime) return { fault: "sender", message: TOO_FAR };
    if (t < Number.MIN_SAFE_INTEGER) return { fault: "sender", message: REFUSALS[Append.outOfBounds] };
    const isTooFine = given.schema > FINEST_SCHEMA && given.schema <= FINEST_READABLE_SCHEMA;
    const fault = validateHistogram(isTooFine ? { ...given, schema: FINEST_SCHEMA } : given, integer);
    if (fault !== undefined) return { fault: "sender", message: fault };
    const histogram = isTooFine ? { ...copyToSchema(given, FINEST_SCHEMA), integer } : given;
    let verdict = this.#appender.appendHistogram(this.#ref, t, histogram, integer, startTime);
    if (verdict === Append.unknownRef) {
      if (!this.#resolve()) return undefined;
      verdict = this.#appender.appendHistogram(this.#ref, t, histogram, integer, startTime);
    }
    return this.#refusal(verdict);
  }

  /** Whether the storage took it: whatever speaks against an exemplar never fails a request. */
  exemplar(exemplar: Exemplar): boolean {
    if (exemplar.t > this.#maxTime || !Number.isSafeInteger(exemplar.t)) return false;
    return this.#appender.appendExemplar(this.#ref, exemplar) === Append.ok;
  }

  metadata(metadata: Metadata): void {
    if (this.#keepsMetadata) this.#appender.updateMetadata(this.#ref, metadata);
  }

  /** Throws when the storage cannot take the samples; then none of them is visible. */
  commit(): void {
    this.#appender.commit();
  }

  rollback(): void {
    this.#appender.rollback();
  }

  #refusal(verdict: Append): Refusal | undefined {
    if (verdict === Append.ok) {
      this.#hasTaken = true;
      return undefined;
    }
    const isLate = verdict === Append.outOfOrder || verdict === Append.duplicate;
    if (isLate && this.#hasTaken) return undefined;
    const isOurs = verdict === Append.unknownRef || verdict === Append.unsupported;
    return { fault: isOurs ? "receiver" : "sender", message: REFUSALS[verdict] };
  }

  /** The series went meanwhile: it is made anew. False when it is refused: then its samples are left out. */
  #resolve(): boolean {
    this.#ref = this.#appender.series((this.#labels as LabelSource).labelsAtHand());
    if (this.#ref !== 0) this.#cache.update(this.#ref);
    return this.#ref !== 0;
  }
}
