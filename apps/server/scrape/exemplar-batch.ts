// Exemplars on their way into an appender.
import { type Exemplar, Labels } from "@narthex/model";
import { Append, type Appender, type SeriesRef } from "@narthex/storage";

/** Characters that names and values of an exemplar's labels may have together. Source: OpenMetrics 1.0. */
const MAX_LABEL_CHARACTERS = 128;

/** The exemplars of one sample. */
export class ExemplarBatch {
  readonly #exemplars: Exemplar[] = [];

  /** Adds one; `flat` are names and values of its labels side by side. One with too long labels is left out. */
  add(flat: readonly string[], value: number, t: number): void {
    let characters = 0;
    for (const text of flat) characters += text.length <= MAX_LABEL_CHARACTERS ? [...text].length : text.length;
    if (characters > MAX_LABEL_CHARACTERS) return;
    const pairs: [string, string][] = [];
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
    this.#exemplars.push({ labels: Labels.fromUnsorted(pairs), value, t });
  }

  /**
   * Appends all of them to their series, oldest first. Returns how many came too late, if all of them did: some are
   * always known from the scrape before.
   */
  flush(appender: Appender, ref: SeriesRef): number {
    const exemplars = this.#exemplars;
    const count = exemplars.length;
    if (count === 0) return 0;
    if (count > 1) exemplars.sort((a, b) => a.t - b.t || a.value - b.value || (a.labels.key < b.labels.key ? -1 : 1));
    let late = 0;
    for (const exemplar of exemplars) if (appender.appendExemplar(ref, exemplar) === Append.outOfOrder) late++;
    exemplars.length = 0;
    return late === count ? late : 0;
  }

  clear(): void {
    this.#exemplars.length = 0;
  }
}
