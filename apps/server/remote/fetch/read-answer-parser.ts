// Answers of remote read as they come over the wire: frames of chunks, or samples in one piece. Anything may be in them.
import { crc32c, EncodingError, uncompress, WireReader } from "@narthex/encoding";
import { type FloatHistogramFields, isStaleNumber, Labels, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "@narthex/tsdb";
import { readHistogram, readTime } from "../histogram-wire.ts";
import {
  ChunkedReadResponseField,
  ChunkedSeriesField,
  ChunkField,
  LabelField,
  QueryResultField,
  ReadResponseField,
  SampleField,
  TimeSeriesField,
} from "../wire.ts";

/** An answer that cannot be used. */
export class ReadAnswerError extends Error {
  override readonly name = "ReadAnswerError";
  readonly code = "remote_read_answer_invalid";
}

/** One series of an answer. Several may have the same labels: their samples follow each other. */
export interface AnsweredSeries {
  readonly labels: Labels;
  /** Appends the samples with `minTime <= t <= maxTime` in the order in which they came. Throws a `ReadAnswerError`. */
  read(minTime: number, maxTime: number, into: SampleBuffer): void;
}

/**
 * The series of a streamed answer, in the order in which they came; their chunks are views of `bytes`. `limitBytes` bounds a
 * frame. Throws a `ReadAnswerError` in the reference's words.
 */
export function parseFrames(bytes: Uint8Array, limitBytes: number): AnsweredSeries[] {
  const series: AnsweredSeries[] = [];
  const reader = new WireReader(bytes);
  return parsing(() => {
    while (reader.remaining > 0) {
      const size = reader.uvarint();
      if (size > limitBytes) {
        throw new ReadAnswerError(
          `chunkedReader: message size exceeded the limit ${limitBytes} bytes; got: ${size} bytes`,
        );
      }
      const checksum = reader.uint32();
      const start = reader.position;
      reader.skip(size);
      if (crc32c(bytes, start, start + size) !== checksum) {
        throw new ReadAnswerError("chunkedReader: corrupted frame; checksum mismatch");
      }
      readFrame(new WireReader(bytes, start, start + size), series);
    }
    return series;
  });
}

function readFrame(reader: WireReader, into: AnsweredSeries[]): void {
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field !== ChunkedReadResponseField.chunkedSeries) {
      reader.skipField();
      continue;
    }
    const outer = reader.enter();
    const pairs: [string, string][] = [];
    const chunks: EncodedChunk[] = [];
    for (let inner = reader.nextField(); inner !== 0; inner = reader.nextField()) {
      if (inner === ChunkedSeriesField.labels) pairs.push(readLabel(reader));
      else if (inner === ChunkedSeriesField.chunks) chunks.push(readChunk(reader));
      else reader.skipField();
    }
    reader.leave(outer);
    into.push(new ChunkedSeries(Labels.fromUnsorted(pairs), chunks));
  }
}

interface EncodedChunk {
  readonly type: number;
  readonly data: Uint8Array;
}

function readChunk(reader: WireReader): EncodedChunk {
  const outer = reader.enter();
  let type = 0;
  let data: Uint8Array = new Uint8Array(0);
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === ChunkField.type) type = reader.uintField();
    else if (field === ChunkField.data) data = reader.bytesField();
    else reader.skipField();
  }
  reader.leave(outer);
  return { type, data };
}

class ChunkedSeries implements AnsweredSeries {
  readonly labels: Labels;
  readonly #chunks: readonly EncodedChunk[];

  constructor(labels: Labels, chunks: readonly EncodedChunk[]) {
    this.labels = labels;
    this.#chunks = chunks;
  }

  read(minTime: number, maxTime: number, into: SampleBuffer): void {
    for (const { type, data } of this.#chunks) {
      if (!decodeChunk(type, data, 0, data.length, minTime, maxTime, into)) {
        throw new ReadAnswerError(`chunk of encoding ${type} cannot be decoded`);
      }
    }
  }
}

/** The series of an answer of samples to one query; `limitBytes` bounds what it may come to uncompressed. */
export function parseSamples(compressed: Uint8Array, limitBytes: number): AnsweredSeries[] {
  return parsing(() => {
    const reader = new WireReader(uncompress(compressed, limitBytes));
    const series: AnsweredSeries[] = [];
    let results = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== ReadResponseField.results) {
        reader.skipField();
        continue;
      }
      results++;
      const outer = reader.enter();
      for (let inner = reader.nextField(); inner !== 0; inner = reader.nextField()) {
        if (inner === QueryResultField.timeseries) series.push(readTimeSeries(reader));
        else reader.skipField();
      }
      reader.leave(outer);
    }
    if (results !== 1) throw new ReadAnswerError(`responses: want 1, got ${results}`);
    return series;
  });
}

function readTimeSeries(reader: WireReader): AnsweredSeries {
  const outer = reader.enter();
  const pairs: [string, string][] = [];
  const { bytes, position: start, end } = reader;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === TimeSeriesField.labels) pairs.push(readLabel(reader));
    else if (field === TimeSeriesField.samples) checkSample(reader);
    else if (field === TimeSeriesField.histograms) checkHistogram(reader);
    else reader.skipField();
  }
  reader.leave(outer);
  return new SampledSeries(Labels.fromUnsorted(pairs), bytes, start, end);
}

/** Times and values stay as bytes until they are asked for. They were looked at once, so that reading them does not fail. */
class SampledSeries implements AnsweredSeries {
  readonly labels: Labels;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  constructor(labels: Labels, bytes: Uint8Array, start: number, end: number) {
    this.labels = labels;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
  }

  read(minTime: number, maxTime: number, into: SampleBuffer): void {
    const reader = new WireReader(this.#bytes, this.#start, this.#end);
    const histograms: { t: number; histogram: FloatHistogramFields; stale: boolean }[] = [];
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === TimeSeriesField.samples) {
        const outer = reader.enter();
        let t = 0;
        let high = 0;
        let low = 0;
        for (let inner = reader.nextField(); inner !== 0; inner = reader.nextField()) {
          if (inner === SampleField.value) {
            reader.doubleBitsField();
            ({ high, low } = reader);
          } else if (inner === SampleField.timestamp) t = readTime(reader);
          else reader.skipField();
        }
        reader.leave(outer);
        if (t >= minTime && t <= maxTime) into.pushBits(t, high, low);
      } else if (field === TimeSeriesField.histograms) {
        const outer = reader.enter();
        const { t, histogram } = readHistogram(reader);
        reader.leave(outer);
        if (t >= minTime && t <= maxTime) histograms.push({ t, histogram, stale: isStaleNumber(histogram.sum) });
      } else reader.skipField();
    }
    // Floats and histograms come apart; where there are both, whoever reads sorts them by time.
    for (const { t, histogram, stale } of histograms) {
      if (stale) into.pushBits(t, STALE_NAN_HIGH, STALE_NAN_LOW);
      else into.pushHistogram(t, histogram);
    }
  }
}

function checkSample(reader: WireReader): void {
  const outer = reader.enter();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SampleField.value) reader.doubleBitsField();
    else if (field === SampleField.timestamp) reader.varint64Field();
    else reader.skipField();
  }
  reader.leave(outer);
}

function checkHistogram(reader: WireReader): void {
  const outer = reader.enter();
  readHistogram(reader);
  reader.leave(outer);
}

function readLabel(reader: WireReader): [string, string] {
  const outer = reader.enter();
  let name = "";
  let value = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === LabelField.name) name = reader.textField();
    else if (field === LabelField.value) value = reader.textField();
    else reader.skipField();
  }
  reader.leave(outer);
  return [name, value];
}

function parsing<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof EncodingError)) throw error;
    const text = error.code === "truncated" ? "unexpected EOF" : error.message;
    throw new ReadAnswerError(text, { cause: error });
  }
}
