// `target_info`: what a resource says of itself, as a series beside those of its metrics.
import type { Metadata } from "@narthex/model";
import type { ResourceContext } from "./contexts.ts";
import { LabelFault, type LabelMaker } from "./label-maker.ts";
import type { OtlpIntake } from "./otlp-intake.ts";
import type { Translation } from "./translation.ts";

/** Samples that one request may ask for: one each two minutes and a half for half a year. */
const MAX_SAMPLES = 100_000;

const METADATA: Metadata = { type: "gauge", help: "Target metadata", unit: "" };

const [LOW = 0, HIGH = 0] = new Uint32Array(Float64Array.of(1).buffer);

/** Of one request. */
export class TargetInfo {
  readonly #labels: LabelMaker;
  readonly #intervalMs: number;
  /** Samples that were written: resources may come several times. */
  readonly #seen = new Set<string>();

  /** One sample at each `intervalMs`. */
  constructor(labels: LabelMaker, intervalMs: number) {
    this.#labels = labels;
    this.#intervalMs = intervalMs;
  }

  /** Samples from the first to the last point of the resource, so that it is found at all of them. */
  add(
    { attributes, labels }: ResourceContext,
    minTime: number,
    maxTime: number,
    to: OtlpIntake,
    told: Translation,
  ): void {
    if (labels instanceof LabelFault) return;
    const made = this.#labels.targetInfo(attributes, labels);
    if (made === undefined) return;
    if (made instanceof LabelFault) {
      told.fail(made.message);
      return;
    }
    if ((maxTime - minTime) / this.#intervalMs + this.#seen.size > MAX_SAMPLES) {
      told.fail("the data points' times lie too far apart for target_info");
      return;
    }
    const ref = to.series(made, METADATA);
    if (typeof ref !== "number") {
      told.faults.push(ref);
      return;
    }
    for (let t = minTime; ; t = Math.min(t + this.#intervalMs, maxTime)) {
      const key = `${ref} ${t}`;
      if (!this.#seen.has(key)) {
        this.#seen.add(key);
        const found = to.float(ref, t, HIGH, LOW, 0, () => ref);
        if (found !== undefined) {
          told.faults.push(found);
          return;
        }
      }
      if (t >= maxTime) return;
    }
  }
}
