// Remote write 2.0: texts are interned per request, and what is good is taken even if something else is not.
import { decodeText, WireReader } from "@narthex/encoding";
import { type Exemplar, Labels, type Metadata, type MetricType } from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import { readHistogram, readTime, type WireHistogram } from "../histogram-wire.ts";
import {
  ExemplarField,
  LabelField,
  MetadataV2Field,
  RequestV2Field,
  TimeSeriesField,
  TimeSeriesV2Field,
} from "../wire.ts";
import { type Intake, type LabelSource, OVER_BUDGET, type Refusal } from "./intake.ts";
import { LabelList } from "./label-list.ts";
import { PlainLabels } from "./plain-labels.ts";
import type { SeriesCache } from "./series-cache.ts";
import { RefList, SymbolTable } from "./symbols.ts";
import { readSample, type WireSample } from "./write-v1.ts";

/** Errors named in one answer; the rest is only counted. */
const MAX_ERRORS = 100;
const LABEL_TAG = (TimeSeriesField.labels << 3) | 2;
const NAME_TAG = (LabelField.name << 3) | 2;
const VALUE_TAG = (LabelField.value << 3) | 2;

const METRIC_TYPES: readonly MetricType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];

/** What was taken of a request. */
export interface WriteV2Outcome {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** What was wrong, in the request's order; at most 101 lines. */
  readonly errors: readonly string[];
  /** Set when the fault is ours: then everything is to be rolled back. */
  readonly failure: string | undefined;
  readonly invalidSamples: number;
}

interface Tally {
  samples: number;
  histograms: number;
  exemplars: number;
  invalidSamples: number;
  errorCount: number;
  readonly errors: string[];
  failure: string | undefined;
}

/** One time series of a request, as its fields were found. */
interface Parts {
  readonly samples: WireSample[];
  readonly histograms: WireHistogram[];
  readonly exemplars: { refs: number[]; value: number; t: number }[];
  type: number;
  helpRef: number;
  unitRef: number;
  hasMetadata: boolean;
  createdTime: number;
}

/** Reads requests, one at a time. */
export class WriteV2Reader implements LabelSource {
  readonly #cache: SeriesCache;
  readonly #reader = new WireReader(new Uint8Array(0));
  readonly #symbols = new SymbolTable();
  readonly #refs = new RefList();
  readonly #exemplarRefs = new RefList();
  readonly #labels = new LabelList();
  readonly #plain = new PlainLabels();
  #bytes: Uint8Array = new Uint8Array(0);
  /** Label bytes as version 1 has them, so that both versions share one cache. */
  #key = new Uint8Array(4096);
  #keyView = new DataView(this.#key.buffer);

  constructor(cache: SeriesCache) {
    this.#cache = cache;
  }

  /** As `WriteV1Reader.read`, but what is wrong with one series does not end the request. */
  read(bytes: Uint8Array, length: number, intake: Intake): WriteV2Outcome {
    this.#bytes = bytes;
    const reader = this.#reader;
    reader.reset(bytes, 0, length);
    this.#symbols.read(reader);
    reader.reset(bytes, 0, length);
    const tally: Tally = {
      samples: 0,
      histograms: 0,
      exemplars: 0,
      invalidSamples: 0,
      errorCount: 0,
      errors: [],
      failure: undefined,
    };
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== RequestV2Field.timeseries) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const parts = this.#readParts(reader);
      reader.leave(outer);
      this.#takeSeries(parts, intake, tally);
      if (tally.failure !== undefined) break;
    }
    if (tally.errorCount > MAX_ERRORS) tally.errors.push(`and ${tally.errorCount - MAX_ERRORS} more`);
    return tally;
  }

  #readParts(reader: WireReader): Parts {
    const parts: Parts = {
      samples: [],
      histograms: [],
      exemplars: [],
      type: 0,
      helpRef: 0,
      unitRef: 0,
      hasMetadata: false,
      createdTime: 0,
    };
    this.#refs.clear();
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      switch (field) {
        case TimeSeriesV2Field.labelsRefs:
          this.#refs.read(reader);
          break;
        case TimeSeriesV2Field.samples: {
          const outer = reader.enter();
          parts.samples.push(readSample(reader));
          reader.leave(outer);
          break;
        }
        case TimeSeriesV2Field.histograms: {
          const outer = reader.enter();
          parts.histograms.push(readHistogram(reader));
          reader.leave(outer);
          break;
        }
        case TimeSeriesV2Field.exemplars:
          parts.exemplars.push(this.#readExemplar(reader));
          break;
        case TimeSeriesV2Field.metadata:
          readMetadata(reader, parts);
          break;
        case TimeSeriesV2Field.createdTimestamp:
          parts.createdTime = readTime(reader);
          break;
        default:
          reader.skipField();
      }
    }
    return parts;
  }

  #readExemplar(reader: WireReader): Parts["exemplars"][number] {
    const outer = reader.enter();
    const exemplar = { refs: [] as number[], value: 0, t: 0 };
    this.#exemplarRefs.clear();
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === ExemplarField.labels) this.#exemplarRefs.read(reader);
      else if (field === ExemplarField.value) exemplar.value = reader.doubleField();
      else if (field === ExemplarField.timestamp) exemplar.t = readTime(reader);
      else reader.skipField();
    }
    reader.leave(outer);
    exemplar.refs = [...this.#exemplarRefs.refs.subarray(0, this.#exemplarRefs.count)];
    return exemplar;
  }

  #takeSeries(parts: Parts, intake: Intake, tally: Tally): void {
    const { refs, count } = this.#refs;
    const fault = this.#faultOfRefs(refs, count);
    if (fault !== undefined) {
      this.#invalid(parts, `parsing labels for series [${refs.subarray(0, count).join(" ")}]: ${fault}`, tally);
      return;
    }
    if (!this.#beginSeries(refs, count, intake, parts, tally)) return;
    if (parts.samples.length === 0 && parts.histograms.length === 0) {
      fail(tally, `TimeSeries must contain at least one sample or histogram for series ${this.#text(refs, count)}`);
      return;
    }
    for (const sample of parts.samples) {
      const startTime = sample.startTime !== 0 ? sample.startTime : parts.createdTime;
      if (this.#note(intake.float(sample.t, sample.high, sample.low, startTime), tally)) tally.samples++;
    }
    for (const histogram of parts.histograms) {
      const startTime = histogram.startTime !== 0 ? histogram.startTime : parts.createdTime;
      if (this.#note(intake.histogram({ ...histogram, startTime }), tally)) tally.histograms++;
    }
    if (tally.failure !== undefined) return;
    for (const exemplar of parts.exemplars) {
      const taken = this.#exemplar(exemplar);
      if (taken === undefined) fail(tally, `parsing exemplar for series ${this.#text(refs, count)}: invalid labels`);
      else if (intake.exemplar(taken)) tally.exemplars++;
    }
    const metadata = this.#metadata(parts);
    if (metadata !== undefined) intake.metadata(metadata);
  }

  /** Finds or makes the series; false when its labels cannot name one, which is noted. */
  #beginSeries(refs: Uint32Array, count: number, intake: Intake, parts: Parts, tally: Tally): boolean {
    const length = this.#buildKey(refs, count);
    const cache = this.#cache;
    const guessed = cache.guess(this.#keyView, 0, length);
    const ref = guessed === length && length > 0 ? cache.ref : cache.find(this.#keyView, 0, length);
    if (ref !== 0) {
      intake.beginKnown(ref, this);
      return true;
    }
    // The key holds the labels as version 1 has them.
    if (this.#plain.readMessages(this.#key, 0, length)) {
      return this.#beginMade(intake.beginBytes(this.#plain.labels, this), length, tally);
    }
    const labels = this.#list(refs, count).finish();
    if (!(labels instanceof Labels)) {
      const message =
        labels.kind === "invalid"
          ? `invalid metric name or labels, got ${labels.text}`
          : `invalid labels for series, labels ${labels.text}, duplicated label ${labels.name}`;
      this.#invalid(parts, message, tally);
      return false;
    }
    return this.#beginMade(intake.begin(labels, this), length, tally);
  }

  /** Remembers a series that was made; false for one that the storage refused, which is noted. */
  #beginMade(made: SeriesRef, length: number, tally: Tally): boolean {
    if (made === 0) {
      fail(tally, `${OVER_BUDGET} for series ${this.#text(this.#refs.refs, this.#refs.count)}`);
      return false;
    }
    this.#cache.add(this.#keyView, 0, length, made);
    return true;
  }

  /** For the intake: of the series that it was told of last. */
  labelsAtHand(): Labels {
    return this.#list(this.#refs.refs, this.#refs.count).finishAny();
  }

  #invalid({ samples, histograms }: Parts, message: string, tally: Tally): void {
    tally.invalidSamples += samples.length + histograms.length;
    fail(tally, message);
  }

  /** Whether a sample was taken; what speaks against it is noted. */
  #note(refusal: Refusal | undefined, tally: Tally): boolean {
    if (refusal === undefined) return true;
    if (refusal.fault === "receiver") tally.failure ??= refusal.message;
    else fail(tally, `${refusal.message} for series ${this.#text(this.#refs.refs, this.#refs.count)}`);
    return false;
  }

  #faultOfRefs(refs: Uint32Array, count: number): string | undefined {
    if ((count & 1) !== 0) return `invalid labelRefs length ${count}`;
    for (let i = 0; i < count; i += 2) {
      const name = refs[i] as number;
      const value = refs[i + 1] as number;
      if (name >= this.#symbols.count || value >= this.#symbols.count) {
        return `labelRefs ${name} (name) = ${value} (value) outside of symbols table (size ${this.#symbols.count})`;
      }
    }
    return undefined;
  }

  #list(refs: ArrayLike<number>, count: number): LabelList {
    const list = this.#labels;
    const symbols = this.#symbols;
    list.clear();
    for (let i = 0; i < count; i += 2) {
      const name = refs[i] as number;
      const value = refs[i + 1] as number;
      list.addBytes(this.#bytes, symbols.start(name), symbols.end(name), symbols.start(value), symbols.end(value));
    }
    return list;
  }

  #text(refs: Uint32Array, count: number): string {
    return this.#list(refs, count).finishAny().toString();
  }

  #exemplar({ refs, value, t }: Parts["exemplars"][number]): Exemplar | undefined {
    if (this.#faultOfRefs(Uint32Array.from(refs), refs.length) !== undefined) return undefined;
    return { labels: this.#list(refs, refs.length).finishAny(), value, t };
  }

  #metadata({ hasMetadata, type, helpRef, unitRef }: Parts): Metadata | undefined {
    const symbols = this.#symbols;
    if (!hasMetadata || helpRef >= symbols.count || unitRef >= symbols.count) return undefined;
    const text = (ref: number): string => decodeText(this.#bytes, symbols.start(ref), symbols.end(ref));
    const metadata = { type: METRIC_TYPES[type] ?? "unknown", help: text(helpRef), unit: text(unitRef) };
    return metadata.type === "unknown" && metadata.help === "" && metadata.unit === "" ? undefined : metadata;
  }

  /** Writes the labels as version 1 would have them into `#key`; returns their length. */
  #buildKey(refs: Uint32Array, count: number): number {
    const symbols = this.#symbols;
    const bytes = this.#bytes;
    let needed = 4;
    for (let i = 0; i < count; i++) needed += symbols.end(refs[i] as number) - symbols.start(refs[i] as number) + 12;
    if (needed > this.#key.length) {
      this.#key = new Uint8Array(needed * 2);
      this.#keyView = new DataView(this.#key.buffer);
    }
    const key = this.#key;
    let at = 0;
    for (let i = 0; i < count; i += 2) {
      const name = refs[i] as number;
      const value = refs[i + 1] as number;
      const nameLength = symbols.end(name) - symbols.start(name);
      const valueLength = symbols.end(value) - symbols.start(value);
      key[at++] = LABEL_TAG;
      at = putVarint(key, at, 2 + varintBytes(nameLength) + nameLength + varintBytes(valueLength) + valueLength);
      key[at++] = NAME_TAG;
      at = putVarint(key, at, nameLength);
      for (let from = symbols.start(name), end = symbols.end(name); from < end; from++)
        key[at++] = bytes[from] as number;
      key[at++] = VALUE_TAG;
      at = putVarint(key, at, valueLength);
      for (let from = symbols.start(value), end = symbols.end(value); from < end; from++) {
        key[at++] = bytes[from] as number;
      }
    }
    return at;
  }
}

function fail(tally: Tally, message: string): void {
  if (tally.errorCount++ < MAX_ERRORS) tally.errors.push(message);
}

function readMetadata(reader: WireReader, parts: Parts): void {
  const outer = reader.enter();
  parts.hasMetadata = true;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === MetadataV2Field.type) parts.type = reader.uintField();
    else if (field === MetadataV2Field.helpRef) parts.helpRef = reader.uintField();
    else if (field === MetadataV2Field.unitRef) parts.unitRef = reader.uintField();
    else reader.skipField();
  }
  reader.leave(outer);
}

function varintBytes(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
}

function putVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    bytes[at++] = (value & 0x7f) | 0x80;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}
