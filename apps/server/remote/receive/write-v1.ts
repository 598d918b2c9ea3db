// Remote write 1.0: all of a request or nothing.
//
// The message is walked where it lies. Of a known series no object is made: its label bytes are compared with those of
// the series cache, and its samples go on as numbers.
import { type EncodingError, WireReader, WireType } from "@narthex/encoding";
import { type Exemplar, Labels } from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import { readHistogram, readTime } from "../histogram-wire.ts";
import { ExemplarField, SampleField, TimeSeriesField, WriteRequestField } from "../wire.ts";
import type { Intake, LabelSource, Refusal } from "./intake.ts";
import { LabelList, truncated } from "./label-list.ts";
import { PlainLabels } from "./plain-labels.ts";
import type { SeriesCache } from "./series-cache.ts";

/** Field 1, length-delimited: a time series in a request, a label in a time series. */
const LABEL_TAG = (TimeSeriesField.labels << 3) | WireType.bytes;
const SAMPLE_TAG = (TimeSeriesField.samples << 3) | WireType.bytes;
const VALUE_TAG = (SampleField.value << 3) | WireType.fixed64;
const TIMESTAMP_TAG = (SampleField.timestamp << 3) | WireType.varint;

/** What became of a request: all was taken, save series whose labels were wrong, or nothing because of `refusal`. */
export interface WriteV1Outcome {
  readonly refusal: Refusal | undefined;
  /** Series that were left out, and why the first of them was. */
  readonly invalidSeries: number;
  readonly firstInvalid: string;
}

/** Reads requests, one at a time. */
export class WriteV1Reader implements LabelSource {
  readonly #cache: SeriesCache;
  readonly #reader = new WireReader(new Uint8Array(0));
  readonly #labels = new LabelList();
  readonly #plain = new PlainLabels();
  /** Where the labels of the series at hand are. */
  #labelsStart = 0;
  #labelsEnd = 0;
  #intake: Intake | undefined;
  #bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #invalidSeries = 0;
  #firstInvalid = "";

  constructor(cache: SeriesCache) {
    this.#cache = cache;
  }

  /**
   * Appends the request `bytes[0, length)` to `intake`, which the caller commits or rolls back. There must be four more
   * readable bytes behind. Throws an `EncodingError` for bytes that are no request.
   */
  read(bytes: Uint8Array, length: number, intake: Intake): WriteV1Outcome {
    this.#intake = intake;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#invalidSeries = 0;
    this.#firstInvalid = "";
    const refusal = this.#readRequest(length);
    return { refusal, invalidSeries: this.#invalidSeries, firstInvalid: this.#firstInvalid };
  }

  #readRequest(length: number): Refusal | undefined {
    const reader = this.#reader.reset(this.#bytes, 0, length) as WireReader;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      // Metadata is part of the message, but the reference's receiver keeps none of it.
      if (field !== WriteRequestField.timeseries) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const { position, end } = reader;
      const refusal = this.#readSeries(position, end);
      if (refusal !== undefined) return refusal;
      reader.end = end;
      reader.leave(outer);
    }
    return undefined;
  }

  #readSeries(start: number, end: number): Refusal | undefined {
    const intake = this.#intake as Intake;
    const guessed = this.#cache.guess(this.#view, start, end);
    let labelsEnd = start + guessed;
    this.#labelsStart = start;
    this.#labelsEnd = labelsEnd;
    if (guessed !== 0 && this.#isUsualBody(labelsEnd, end)) {
      intake.beginKnown(this.#cache.ref, this);
      return this.#readSamples(labelsEnd, end, true);
    }
    labelsEnd = this.#skipLabels(start, end);
    this.#labelsEnd = labelsEnd;
    if (this.#hasLabelsBehind(labelsEnd, end)) return this.#readScattered(start, end);
    const ref = this.#cache.find(this.#view, start, labelsEnd);
    if (ref !== 0) {
      intake.beginKnown(ref, this);
      return this.#readSamples(labelsEnd, end, true);
    }
    const made = this.#makeSeries(start, labelsEnd);
    if (made === 0) return this.#readSamples(labelsEnd, end, false);
    this.#cache.add(this.#view, start, labelsEnd, made);
    return this.#readSamples(labelsEnd, end, true);
  }

  /** The ref of the series with the labels in `[start, end)`, 0 (and counted) when they cannot name one or it is refused. */
  #makeSeries(start: number, end: number): SeriesRef {
    const intake = this.#intake as Intake;
    if (this.#plain.readMessages(this.#bytes, start, end)) return intake.beginBytes(this.#plain.labels, this);
    const labels = this.#resolveLabels(start, end);
    return labels === undefined ? 0 : intake.begin(labels, this);
  }

  /** For the intake: of the series that it was told of last. */
  labelsAtHand(): Labels {
    return this.#readLabels(this.#labelsStart, this.#labelsEnd).finishAny();
  }

  /** The series' own message has its labels in front; other orders are legal but rare. */
  #readScattered(start: number, end: number): Refusal | undefined {
    this.#labelsEnd = end;
    const labels = this.#resolveLabels(start, end);
    const made = labels === undefined ? 0 : (this.#intake as Intake).begin(labels, this);
    return this.#readSamples(start, end, made !== 0);
  }

  /** The labels among the fields of `[start, end)`, undefined (and counted) when they cannot name a series. */
  #resolveLabels(start: number, end: number): Labels | undefined {
    const list = this.#readLabels(start, end);
    const labels = list.finish();
    if (labels instanceof Labels) return labels;
    this.#invalidSeries++;
    if (this.#invalidSeries === 1) this.#firstInvalid = labels.text;
    return undefined;
  }

  #readLabels(start: number, end: number): LabelList {
    const list = this.#labels;
    list.clear();
    const reader = new WireReader(this.#bytes, start, end);
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === TimeSeriesField.labels) list.addMessage(reader);
      else reader.skipField();
    }
    return list;
  }

  #skipLabels(start: number, end: number): number {
    const bytes = this.#bytes;
    let at = start;
    while (at < end && bytes[at] === LABEL_TAG) {
      at++;
      if (at >= end) throw truncated(at);
      let length = bytes[at++] as number;
      if (length >= 0x80) {
        const reader = this.#reader;
        reader.position = at - 1;
        reader.end = end;
        length = reader.uvarint();
        at = reader.position;
      }
      if (length > end - at) throw truncated(at);
      at += length;
    }
    return at;
  }

  /** Whether no label can be in `[start, end)`: one sample and nothing else, or whatever a walk finds without any. */
  #isUsualBody(start: number, end: number): boolean {
    const bytes = this.#bytes;
    if (start + 18 === end && bytes[start] === SAMPLE_TAG && bytes[start + 1] === 16) return true;
    return bytes[start] !== LABEL_TAG && !this.#hasLabelsBehind(start, end);
  }

  #hasLabelsBehind(start: number, end: number): boolean {
    const reader = this.#reader;
    reader.position = start;
    reader.end = end;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === TimeSeriesField.labels) return true;
      reader.skipField();
    }
    return false;
  }

  /** Walks the fields behind the labels. Unless `takes`, only to see that they are sound. */
  #readSamples(start: number, end: number, takes: boolean): Refusal | undefined {
    const intake = this.#intake as Intake;
    const bytes = this.#bytes;
    const reader = this.#reader;
    let at = start;
    while (at < end) {
      // The usual sample: value, then a timestamp of six bytes, as all between 2004 and 2109 have.
      if (
        bytes[at] === SAMPLE_TAG &&
        bytes[at + 1] === 16 &&
        at + 18 <= end &&
        bytes[at + 2] === VALUE_TAG &&
        bytes[at + 11] === TIMESTAMP_TAG &&
        (bytes[at + 17] as number) < 0x80 &&
        takes
      ) {
        const view = this.#view;
        const t = sixByteVarint(bytes, at + 12);
        if (t >= 0) {
          const refusal = intake.float(t, view.getUint32(at + 7, true), view.getUint32(at + 3, true), 0);
          if (refusal !== undefined) return refusal;
          at += 18;
          continue;
        }
      }
      reader.position = at;
      reader.end = end;
      const refusal = this.#readField(reader, takes ? intake : undefined);
      if (refusal !== undefined) return refusal;
      at = reader.position;
    }
    reader.position = end;
    return undefined;
  }

  #readField(reader: WireReader, intake: Intake | undefined): Refusal | undefined {
    switch (reader.nextField()) {
      case TimeSeriesField.samples: {
        const outer = reader.enter();
        const sample = readSample(reader);
        reader.leave(outer);
        return intake?.float(sample.t, sample.high, sample.low, sample.startTime);
      }
      case TimeSeriesField.histograms: {
        const outer = reader.enter();
        const histogram = readHistogram(reader);
        reader.leave(outer);
        return intake?.histogram(histogram);
      }
      case TimeSeriesField.exemplars: {
        const exemplar = readExemplar(reader, this.#labels);
        intake?.exemplar(exemplar);
        return undefined;
      }
      default:
        reader.skipField();
        return undefined;
    }
  }
}

/** The value of a varint of exactly six bytes at `at`, -1 when it is shorter. */
function sixByteVarint(bytes: Uint8Array, at: number): number {
  const b0 = bytes[at] as number;
  const b1 = bytes[at + 1] as number;
  const b2 = bytes[at + 2] as number;
  const b3 = bytes[at + 3] as number;
  const b4 = bytes[at + 4] as number;
  if ((b0 & b1 & b2 & b3 & b4 & 0x80) === 0) return -1;
  const low = (b0 & 0x7f) | ((b1 & 0x7f) << 7) | ((b2 & 0x7f) << 14) | ((b3 & 0x7f) << 21);
  return low + ((b4 & 0x7f) | ((bytes[at + 5] as number) << 7)) * 0x1000_0000;
}

/** A float sample by its bits. */
export interface WireSample {
  t: number;
  high: number;
  low: number;
  startTime: number;
}

/** Reads the sample message that `reader` is inside of. */
export function readSample(reader: WireReader): WireSample {
  const sample: WireSample = { t: 0, high: 0, low: 0, startTime: 0 };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SampleField.value) {
      reader.doubleBitsField();
      sample.high = reader.high;
      sample.low = reader.low;
    } else if (field === SampleField.timestamp) sample.t = readTime(reader);
    else if (field === SampleField.startTimestamp) sample.startTime = readTime(reader);
    else reader.skipField();
  }
  return sample;
}

function readExemplar(reader: WireReader, labels: LabelList): Exemplar {
  const outer = reader.enter();
  labels.clear();
  let value = 0;
  let t = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === ExemplarField.labels) labels.addMessage(reader);
    else if (field === ExemplarField.value) value = reader.doubleField();
    else if (field === ExemplarField.timestamp) t = readTime(reader);
    else reader.skipField();
  }
  reader.leave(outer);
  return { labels: labels.finishAny(), value, t };
}

/** The reference's words for bytes that are no message of the type `message`. */
export function protobufFault(error: EncodingError, message: string): string {
  if (error.code === "truncated") return "unexpected EOF";
  if (error.code === "overflow") return "proto: integer overflow";
  return `proto: ${message}: ${error.message}`;
}
