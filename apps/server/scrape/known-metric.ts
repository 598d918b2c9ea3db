// What is remembered of a target's protobuf: its families, their metrics, the series of each.
import type { ProtobufParser } from "@narthex/exposition";
import type { Metadata, MetricType } from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import type { FamilyMetadata } from "./template.ts";

/** Families are remembered for so many scrapes after they were last declared. */
const REMEMBERED_SCRAPES = 10;

/** What is kept of scrapes that failed in a row, with other buckets each time. */
const MAX_ATTEMPTS = 16;

/** What is special about a series; 0 for nothing. */
export const SeriesFlag = {
  dropped: 1,
  unresolved: 2,
  /** The storage would not make it. */
  refused: 4,
} as const;

/** Which series a metric has: one histogram in front, and those of its fields behind it. */
export const Form = { single: 0, fields: 1, histogram: 2, both: 3 } as const;

/** One metric: its series stand side by side, a histogram in front, then count, sum, and buckets or quantiles. */
export class KnownMetric {
  readonly family: KnownFamily;
  /** Its labels as they were encoded, one character a byte. */
  readonly text: string;
  readonly form: number;
  /** How many series stand before those of the fields: 0 or 1. */
  readonly inFront: number;
  readonly refs: SeriesRef[] = [];
  readonly flags: number[] = [];
  readonly #bounds: Float64Array | undefined;
  /** Scrape number * 2, plus 1 when the scrape before that had it too. */
  seen = 0;
  /** The same for the histogram in front: classic buckets that contradict themselves make none. */
  histogramSeen = 0;
  /** A scrape that failed since the last good one came upon it, or that good one did: it is no news. */
  isKnown = false;
  /** What a scrape that failed since then had in its place, with other buckets. */
  attempt: KnownMetric | undefined;
  /** Whether it is its family's metric of this text: it may have been replaced, or forgotten. */
  isCurrent = true;
  /** Its last sample had a timestamp of its own, so its absence means nothing. */
  isUntracked = false;
  /** The start time for which zeros were appended last. */
  created = 0;

  /** The metric that the parser stands on. */
  constructor(family: KnownFamily, parser: ProtobufParser, form: number, inFront: number) {
    this.family = family;
    this.text = textOf(parser);
    this.form = form;
    this.inFront = inFront;
    const hasFields = (form & 1) !== 0;
    if (hasFields) this.#bounds = parser.bounds.slice(0, parser.bucketCount);
    const count = hasFields ? inFront + 2 + parser.bucketCount : 1;
    for (let i = 0; i < count; i++) {
      this.refs.push(0);
      this.flags.push(SeriesFlag.unresolved);
    }
  }

  /** Takes over the series that both have of the one it replaces, and when that was seen. */
  adopt(old: KnownMetric): void {
    this.seen = old.seen;
    this.isKnown = old.isKnown;
    if (this.inFront > 0) this.histogramSeen = old.histogramSeen;
    this.created = old.created;
    for (let each: KnownMetric | undefined = old; each !== undefined; each = each.attempt) this.#adoptSeries(each);
  }

  /** A scrape failed that had `other` in this one's place: what it knows is kept for the next, behind what is kept already. */
  keepAttempt(other: KnownMetric): void {
    let last: KnownMetric = other;
    for (let i = 0; i < MAX_ATTEMPTS && last.attempt !== undefined; i++) last = last.attempt;
    last.attempt = this.attempt;
    this.attempt = other;
    let each: KnownMetric | undefined = this.attempt;
    for (let i = 1; i < MAX_ATTEMPTS && each !== undefined; i++) each = each.attempt;
    if (each !== undefined) each.attempt = undefined;
  }

  #adoptSeries(old: KnownMetric): void {
    for (let i = 0; i < this.refs.length; i++) {
      for (let j = 0; j < old.refs.length; j++) {
        if (this.suffix(i) !== old.suffix(j) || !Object.is(this.bound(i), old.bound(j))) continue;
        if (i < this.inFront !== j < old.inFront || this.flags[i] !== SeriesFlag.unresolved) continue;
        this.refs[i] = old.refs[j] as SeriesRef;
        this.flags[i] = old.flags[j] as number;
      }
    }
  }

  /** Whether the parser's metric has the same buckets or quantiles. */
  hasBounds(parser: ProtobufParser): boolean {
    const bounds = this.#bounds;
    if (bounds === undefined) return true;
    if (bounds.length !== parser.bucketCount) return false;
    for (let i = 0; i < bounds.length; i++) if (!Object.is(bounds[i], parser.bounds[i])) return false;
    return true;
  }

  /** What series number `index` adds to the family's name. */
  suffix(index: number): string {
    if (this.#bounds === undefined || index < this.inFront) return "";
    const field = index - this.inFront;
    if (field === 0) return "_count";
    if (field === 1) return "_sum";
    return this.family.type === "summary" ? "" : "_bucket";
  }

  /** Upper bound or quantile of series number `index`, if it has one. */
  bound(index: number): number | undefined {
    return this.#bounds?.[index - this.inFront - 2];
  }
}

/** One metric family. */
export class KnownFamily {
  readonly name: string;
  type: MetricType = "unknown";
  help = "";
  unit = "";
  /** The scrape that had it last, and the one that told something new about it. */
  seenIn = 0;
  changedIn = 0;
  readonly #byText = new Map<string, KnownMetric>();
  /** Metrics in the order of the last scrape, and the next one expected. */
  #order: KnownMetric[] = [];
  #next = 0;

  constructor(name: string) {
    this.name = name;
  }

  get metadata(): Metadata {
    return { type: this.type, help: this.help, unit: this.unit };
  }

  /** The parser stands at the beginning of this family, in scrape number `generation`. */
  meet(parser: ProtobufParser, generation: number): void {
    if (this.seenIn !== generation) this.#next = 0;
    this.seenIn = generation;
    const { type, unit } = parser;
    if (this.type === type && this.unit === unit && parser.helpIs(this.help)) return;
    this.type = type;
    this.unit = unit;
    this.help = parser.help;
    this.changedIn = generation;
  }

  /** The metric with the labels that the parser stands on. */
  find(parser: ProtobufParser): KnownMetric | undefined {
    const expected = this.#order[this.#next];
    if (expected?.isCurrent === true && hasText(expected.text, parser)) return expected;
    return this.#byText.get(textOf(parser));
  }

  /** The metric that stands here was this one. */
  expectAfter(metric: KnownMetric): void {
    this.#order[this.#next++] = metric;
  }

  add(metric: KnownMetric): void {
    const before = this.#byText.get(metric.text);
    if (before !== undefined) before.isCurrent = false;
    this.#byText.set(metric.text, metric);
    this.expectAfter(metric);
  }

  /** Puts a metric that was replaced back in its place, and returns how many series the other had. */
  restore(metric: KnownMetric): number {
    const other = this.#byText.get(metric.text);
    if (other !== undefined) other.isCurrent = false;
    metric.isCurrent = true;
    if (other !== undefined && other !== metric) metric.keepAttempt(other);
    this.#byText.set(metric.text, metric);
    return other?.refs.length ?? 0;
  }

  metrics(): Iterable<KnownMetric> {
    return this.#byText.values();
  }

  get metricCount(): number {
    return this.#byText.size;
  }

  /** Forgets metrics that scrape number `generation` did not have, and returns how many series they had. */
  forgetUnseen(generation: number): number {
    let series = 0;
    for (const [text, metric] of this.#byText) {
      if (metric.seen >>> 1 === generation) continue;
      this.#byText.delete(text);
      metric.isCurrent = false;
      series += metric.refs.length;
    }
    this.#order.length = Math.min(this.#order.length, this.seenIn === generation ? this.#next : 0);
    return series;
  }

  clearMetrics(): void {
    this.#byText.clear();
    this.#order = [];
    this.#next = 0;
  }
}

/** All families of a target. */
export class KnownFamilies {
  readonly #byName = new Map<string, KnownFamily>();

  /** The family that the parser stands at. */
  meet(parser: ProtobufParser, generation: number): KnownFamily {
    let family = this.#byName.get(parser.name);
    if (family === undefined) {
      family = new KnownFamily(parser.name);
      this.#byName.set(parser.name, family);
    }
    family.meet(parser, generation);
    return family;
  }

  *metrics(): Generator<KnownMetric> {
    for (const family of this.#byName.values()) yield* family.metrics();
  }

  /**
   * Forgets metrics that this scrape did not have (`seen` is how many it had), and families that have been away for
   * long. Returns how many series they had.
   */
  forgetUnseen(generation: number, seen: number): number {
    let known = 0;
    for (const family of this.#byName.values()) known += family.metricCount;
    let series = 0;
    for (const family of this.#byName.values()) {
      if (known > seen) series += family.forgetUnseen(generation);
      if (generation - family.seenIn > REMEMBERED_SCRAPES) this.#byName.delete(family.name);
    }
    return series;
  }

  clearMetrics(): void {
    for (const family of this.#byName.values()) family.clearMetrics();
  }

  clear(): void {
    this.#byName.clear();
  }

  metadata(): ReadonlyMap<string, FamilyMetadata> {
    const all = new Map<string, FamilyMetadata>();
    for (const { name, type, help, unit } of this.#byName.values()) all.set(name, { type, help, unit });
    return all;
  }

  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    let bytes = 0;
    for (const { name, help, unit } of this.#byName.values()) bytes += name.length + help.length + unit.length;
    return { entries: this.#byName.size, bytes };
  }
}

function textOf({ labelBytes, labelsStart, labelsEnd }: ProtobufParser): string {
  return Buffer.from(labelBytes.buffer, labelBytes.byteOffset + labelsStart, labelsEnd - labelsStart).toString(
    "latin1",
  );
}

function hasText(text: string, { labelBytes, labelsStart, labelsEnd }: ProtobufParser): boolean {
  if (text.length !== labelsEnd - labelsStart) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== labelBytes[labelsStart + i]) return false;
  return true;
}
