// One request on its way into an appender: verdicts become answers.
import {
  type Exemplar,
  type FloatHistogramFields,
  type Labels,
  type Metadata,
  validateHistogram,
} from "@narthex/model";
import { Append, type Appendable, type Appender, InvalidLabelsError, type SeriesRef } from "@narthex/storage";

/** How much later than now a sample may be. */
const MAX_AHEAD_MS = 10 * 60 * 1000;

const REFUSALS: Readonly<Record<Append, string>> = {
  [Append.ok]: "",
  [Append.outOfOrder]: "out of order sample",
  [Append.duplicate]: "duplicate sample for timestamp",
  [Append.outOfBounds]: "out of bounds",
  [Append.tooOld]: "too old sample",
  [Append.unknownRef]: "unknown series ref",
  [Append.unsupported]: "samples of this kind are not supported by the storage",
};

/** Why a sample was not taken, or a metric not translated. Only those of the sender's times are the sender's fault. */
export interface Fault {
  readonly isSenders: boolean;
  readonly message: string;
}

/** A transaction. All methods that return a fault return undefined when the sample was taken. */
export class OtlpIntake {
  /** Exemplars that came too late. */
  lateExemplars = 0;
  readonly #appender: Appender;
  readonly #maxTime: number;
  readonly #keepsMetadata: boolean;
  /** Series that something was taken of: what comes too late behind that is passed over, as the reference does at commit. */
  readonly #taken = new Set<SeriesRef>();

  constructor(appendable: Appendable, now: number, keepsMetadata: boolean) {
    this.#appender = appendable.appender();
    this.#maxTime = now + MAX_AHEAD_MS;
    this.#keepsMetadata = keepsMetadata;
  }

  /** The ref of the series, made if need be; 0 when the storage would not make it, whose samples are left out. */
  series(labels: Labels, metadata: Metadata | undefined): SeriesRef | Fault {
    let ref: SeriesRef;
    try {
      ref = this.#appender.series(labels);
    } catch (error) {
      if (error instanceof InvalidLabelsError) return { isSenders: false, message: error.message };
      throw error;
    }
    if (ref !== 0 && this.#keepsMetadata && metadata !== undefined) this.#appender.updateMetadata(ref, metadata);
    return ref;
  }

  /** `retry` says the series' ref anew, should the storage have forgotten it. */
  float(
    ref: SeriesRef,
    t: number,
    high: number,
    low: number,
    startTime: number,
    retry: () => SeriesRef | Fault,
  ): Fault | undefined {
    return (
      this.#outOfBounds(t) ??
      this.#judge(ref, (known) => this.#appender.appendBits(known, t, high, low, startTime), retry)
    );
  }

  histogram(
    ref: SeriesRef,
    t: number,
    histogram: FloatHistogramFields,
    startTime: number,
    retry: () => SeriesRef | Fault,
  ): Fault | undefined {
    const fault = this.#outOfBounds(t);
    if (fault !== undefined) return fault;
    const message = validateHistogram(histogram, true);
    if (message !== undefined) return { isSenders: false, message };
    return this.#judge(ref, (known) => this.#appender.appendHistogram(known, t, histogram, true, startTime), retry);
  }

  stale(ref: SeriesRef, t: number, retry: () => SeriesRef | Fault): Fault | undefined {
    return this.#outOfBounds(t) ?? this.#judge(ref, (known) => this.#appender.appendStale(known, t), retry);
  }

  /** Whatever speaks against an exemplar never fails a request. */
  exemplar(ref: SeriesRef, exemplar: Exemplar): void {
    if (ref === 0 || !Number.isSafeInteger(exemplar.t)) return;
    if (this.#appender.appendExemplar(ref, exemplar) === Append.outOfOrder) this.lateExemplars++;
  }

  /** Throws when the storage cannot take the samples; then none of them is visible. */
  commit(): void {
    this.#appender.commit();
  }

  rollback(): void {
    this.#appender.rollback();
  }

  #outOfBounds(t: number): Fault | undefined {
    if (t > this.#maxTime) return { isSenders: true, message: "out of bounds: timestamp is too far in the future" };
    if (!Number.isSafeInteger(t)) return { isSenders: true, message: REFUSALS[Append.outOfBounds] };
    return undefined;
  }

  #judge(ref: SeriesRef, append: (ref: SeriesRef) => Append, retry: () => SeriesRef | Fault): Fault | undefined {
    if (ref === 0) return undefined;
    let verdict = append(ref);
    let known = ref;
    if (verdict === Append.unknownRef) {
      const made = retry();
      if (typeof made !== "number") return made;
      if (made === 0) return undefined;
      known = made;
      verdict = append(known);
    }
    if (verdict === Append.ok) {
      this.#taken.add(known);
      return undefined;
    }
    const isLate = verdict === Append.outOfOrder || verdict === Append.duplicate;
    if (isLate && this.#taken.has(known)) return undefined;
    return {
      isSenders: verdict !== Append.unknownRef && verdict !== Append.unsupported,
      message: REFUSALS[verdict],
    };
  }
}
