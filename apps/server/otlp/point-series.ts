// The series that a point's samples belong to: known by the point's bytes, or made of its labels.
import { WireReader } from "@narthex/encoding";
import { formatDecimal } from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import type { SeriesCache } from "../remote/receive/series-cache.ts";
import { type Attribute, readAttributes } from "./attributes.ts";
import type { MetricContext } from "./contexts.ts";
import { LabelFault, type LabelMaker } from "./label-maker.ts";
import type { Fault, OtlpIntake } from "./otlp-intake.ts";
import { Part, SeriesKey } from "./series-key.ts";
import { faultOf } from "./translation.ts";

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/** What the names of a point's series end with. */
const SUFFIXES: Readonly<Record<Part, string>> = {
  [Part.value]: "",
  [Part.sum]: "_sum",
  [Part.count]: "_count",
  [Part.bucket]: "_bucket",
  [Part.quantile]: "",
};

/** Of one point after the other. */
export class PointSeries {
  /** The point's attributes, for its reader to fill in. */
  readonly key: SeriesKey = new SeriesKey();
  /** The series that was found last; 0 when the storage would not make it. */
  ref: SeriesRef = 0;
  readonly #cache: SeriesCache;
  readonly #labels: LabelMaker;
  readonly #reader = new WireReader(new Uint8Array(0));
  #intake: OtlpIntake | undefined;
  #context: MetricContext | undefined;
  #part: Part = Part.value;
  #bound = 0;

  constructor(cache: SeriesCache, labels: LabelMaker) {
    this.#cache = cache;
    this.#labels = labels;
  }

  /** Series are made by this intake from now on; undefined: the request is over. */
  set intake(intake: OtlpIntake | undefined) {
    this.#intake = intake;
    if (intake === undefined) this.#context = undefined;
  }

  /** Begins a point of a metric. */
  begin(context: MetricContext): void {
    this.#context = context;
    this.key.begin(context.id);
  }

  /** Puts the ref of one of the point's series into `ref`. `bound` is that of a bucket, or a quantile. */
  find(part: Part, bound: number): Fault | undefined {
    const { key } = this;
    const cache = this.#cache;
    float[0] = bound;
    key.choose(part, halves[1] as number, halves[0] as number);
    this.#part = part;
    this.#bound = bound;
    const guessed = cache.guess(key.view, 0, key.length);
    if (guessed === key.length || cache.find(key.view, 0, key.length) !== 0) {
      this.ref = cache.ref;
      return undefined;
    }
    const made = this.#make();
    if (typeof made !== "number") return made;
    if (made !== 0) cache.add(key.view, 0, key.length, made);
    this.ref = made;
    return undefined;
  }

  /** For the intake: the storage has forgotten the series. */
  readonly again = (): SeriesRef | Fault => {
    const made = this.#make();
    if (typeof made !== "number") return made;
    if (made !== 0) this.#cache.update(made);
    this.ref = made;
    return made;
  };

  /** The series looked for last, by its labels. */
  #make(): SeriesRef | Fault {
    const { name, scope, metadata } = this.#context as MetricContext;
    const { key } = this;
    const attributes = readAttributes(this.#reader, key.bytes, key.attributesStart, key.length);
    const part = this.#part;
    const extra: Attribute | undefined =
      part === Part.bucket
        ? ["le", formatDecimal(this.#bound)]
        : part === Part.quantile
          ? ["quantile", formatDecimal(this.#bound)]
          : undefined;
    const { resource } = scope;
    if (resource.labels instanceof LabelFault || scope.labels instanceof LabelFault || name instanceof LabelFault) {
      return faultOf("the metric cannot be named");
    }
    const full = name + SUFFIXES[part];
    const labels = this.#labels.point(attributes, resource.labels, scope.labels, metadata, full, extra);
    if (labels instanceof LabelFault) return faultOf(labels.message);
    return (this.#intake as OtlpIntake).series(labels, metadata);
  }
}
