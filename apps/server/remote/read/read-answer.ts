// Answers to remote read, written by whichever thread reads: whole samples, or frames of chunks.
import { compressInto, crc32c, maxCompressedLength, WireWriter } from "@narthex/encoding";
import { type FloatHistogramFields, isStaleAt, Matcher } from "@narthex/model";
import { QueryError } from "@narthex/promql";
import { type Queryable, SampleBuffer, type SeriesSet } from "@narthex/storage";
import { ChunkEncoding, ChunkList, encodeChunks } from "@narthex/tsdb";
import type { ByteSink } from "../../api/json/byte-sink.ts";
import { withExternalLabels } from "../external-labels.ts";
import { writeHistogram } from "../histogram-wire.ts";
import { writeLabels } from "../label-wire.ts";
import {
  ChunkedReadResponseField,
  ChunkedSeriesField,
  ChunkField,
  QueryResultField,
  ReadResponseField,
  SampleField,
  TimeSeriesField,
} from "../wire.ts";
import type { RemoteReadQuery } from "./read-request.ts";

/** An answer that must be known whole before it is sent may have so many bytes, whatever the sample limit says. */
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024;
/**
 * The reference leaves the bounds of custom buckets out of this form of answer, and answers are compared with its own.
 * Whoever needs them asks for streamed chunks, as every current client does first.
 */
const WITH_CUSTOM_BOUNDS = false;
/** Snappy works on pieces of this size. */
const PIECE_BYTES = 64 * 1024;
/** A chunk of floats that says that it has none. */
const EMPTY_CHUNK = new Uint8Array(2);
/** How often a long answer looks whether it is still wanted, in series. */
const CHECK_EVERY_SERIES = 64;

/** A remote read as plain data, so that it can cross over to a worker. */
export interface RemoteReadRequest {
  readonly kind: "remoteRead";
  readonly form: "samples" | "chunks";
  readonly queries: readonly RemoteReadQuery[];
  /** Sorted name, value pairs that are added to every series. */
  readonly externalLabels: readonly string[];
  /** Samples per query, 0 for no limit; counts for `samples` only. */
  readonly sampleLimit: number;
  /** A frame is closed once it is larger than this; for `chunks` only. */
  readonly maxFrameBytes: number;
}

export interface ReadContext {
  readonly queryable: Queryable;
  cancelled(): boolean;
}

/** Answers into `sink`. Throws a `QueryError` before the first byte for samples, at any time for chunks. */
export function answerRemoteRead(request: RemoteReadRequest, context: ReadContext, sink: ByteSink): number {
  const samples =
    request.form === "samples" ? writeSamples(request, context, sink) : writeFrames(request, context, sink);
  sink.flush();
  return samples;
}

/** Compiled matchers, where equality with an external label asks for its absence: it is not in the storage. */
export function compileMatchers(query: RemoteReadQuery, external: readonly string[]): Matcher[] {
  return query.matchers.map(({ type, name, value }) => {
    const at = external.findIndex((text, i) => (i & 1) === 0 && text === name);
    const isOwn = type === "=" && (at < 0 ? "" : external[at + 1]) === value;
    return new Matcher(type, name, isOwn ? "" : value);
  });
}

/** Walks the series of a query; a query without matchers has none. */
function forEachSeries(
  request: RemoteReadRequest,
  { queryable, cancelled }: ReadContext,
  query: RemoteReadQuery,
  visit: (set: SeriesSet, index: number) => void,
): void {
  const { minTime, maxTime } = query;
  if (query.matchers.length === 0 || minTime > maxTime) return;
  const querier = queryable.querier(minTime, maxTime);
  try {
    const set = querier.select(compileMatchers(query, request.externalLabels));
    for (let i = 0; i < set.count; i++) {
      if (i % CHECK_EVERY_SERIES === 0 && cancelled()) throw new QueryError("canceled", "context canceled");
      visit(set, i);
    }
  } finally {
    querier.close();
  }
}

function writeSamples(request: RemoteReadRequest, context: ReadContext, sink: ByteSink): number {
  const writer = new WireWriter(64 * 1024);
  const buffer = new SampleBuffer();
  let total = 0;
  for (const query of request.queries) {
    const result = writer.begin(ReadResponseField.results);
    let count = 0;
    forEachSeries(request, context, query, (set, index) => {
      buffer.clear();
      // A series of the range stays in the answer even where nothing of it is left, as in the reference's.
      if (!query.labelsOnly) set.read(index, query.minTime, query.maxTime, buffer);
      count += buffer.count;
      if (request.sampleLimit > 0 && count > request.sampleLimit) {
        throw new QueryError("bad_data", `exceeded sample limit (${request.sampleLimit})`);
      }
      const series = writer.begin(QueryResultField.timeseries);
      writeLabels(writer, TimeSeriesField.labels, withExternalLabels(set.labels(index).pairs, request.externalLabels));
      writeSeriesSamples(writer, buffer);
      writer.end(series);
      if (writer.length > MAX_ANSWER_BYTES) {
        throw new QueryError("bad_data", `the answer would take more than ${MAX_ANSWER_BYTES} bytes`);
      }
    });
    writer.end(result);
    total += count;
  }
  writeSnappy(writer.view(), sink);
  return total;
}

function writeSeriesSamples(writer: WireWriter, buffer: SampleBuffer): void {
  const { times, halves, histograms } = buffer;
  for (let i = 0; i < buffer.count; i++) {
    if (histograms?.[i] !== undefined) continue;
    const low = halves[2 * i] as number;
    const high = halves[2 * i + 1] as number;
    const sample = writer.begin(TimeSeriesField.samples);
    // Zeros, even negative ones, are left out, as the reference does it.
    if (((high & 0x7fffffff) | low) !== 0) writer.doubleBitsField(SampleField.value, high, low);
    if (times[i] !== 0) writer.intField(SampleField.timestamp, times[i] as number);
    writer.end(sample);
  }
  if (histograms === undefined) return;
  for (let i = 0; i < buffer.count; i++) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    writeHistogram(writer, TimeSeriesField.histograms, times[i] as number, histogram, 0, WITH_CUSTOM_BOUNDS);
  }
}

/** Snappy's pieces stand by themselves behind the length of the whole, so none but the one at work need be held. */
function writeSnappy(bytes: Uint8Array, sink: ByteSink): void {
  const length = new WireWriter(16);
  length.uvarint(bytes.length);
  sink.bytes(length.view());
  const target = new Uint8Array(maxCompressedLength(PIECE_BYTES));
  for (let from = 0; from < bytes.length; from += PIECE_BYTES) {
    const piece = bytes.subarray(from, from + PIECE_BYTES);
    const end = compressInto(piece, target);
    // The piece's own length in front is not part of the whole.
    let start = 1;
    while ((target[start - 1] as number) >= 0x80) start++;
    sink.bytes(target.subarray(start, end));
  }
}

function writeFrames(request: RemoteReadRequest, context: ReadContext, sink: ByteSink): number {
  const buffer = new SampleBuffer();
  const chunks = new ChunkList();
  const frame = new WireWriter(64 * 1024);
  let total = 0;
  request.queries.forEach((query, queryIndex) => {
    forEachSeries(request, context, query, (set, index) => {
      buffer.clear();
      chunks.clear();
      if (query.labelsOnly) {
        // A series without chunks would not be told of: as in the reference, it has one without samples.
        chunks.add(query.minTime, query.maxTime, ChunkEncoding.xor, EMPTY_CHUNK, 0, EMPTY_CHUNK.length);
      } else {
        set.read(index, query.minTime, query.maxTime, buffer);
        if (buffer.count === 0) return;
        total += buffer.count;
        encodeChunks(buffer, 0, buffer.count, integersOf(buffer), chunks);
      }
      const pairs = withExternalLabels(set.labels(index).pairs, request.externalLabels);
      writeSeriesFrames(frame, pairs, chunks, queryIndex, request.maxFrameBytes, sink);
    });
  });
  return total;
}

/** One series; its chunks are spread over as many frames as the limit asks for. */
function writeSeriesFrames(
  frame: WireWriter,
  pairs: readonly string[],
  chunks: ChunkList,
  queryIndex: number,
  maxFrameBytes: number,
  sink: ByteSink,
): void {
  for (let next = 0; next < chunks.count; ) {
    frame.clear();
    const series = frame.begin(ChunkedReadResponseField.chunkedSeries);
    writeLabels(frame, ChunkedSeriesField.labels, pairs);
    do {
      writeChunk(frame, chunks, next++);
    } while (next < chunks.count && frame.length < maxFrameBytes);
    frame.end(series);
    if (queryIndex !== 0) frame.uintField(ChunkedReadResponseField.queryIndex, queryIndex);
    writeFrame(frame.view(), sink);
  }
}

function writeChunk(frame: WireWriter, chunks: ChunkList, i: number): void {
  const chunk = frame.begin(ChunkedSeriesField.chunks);
  const minTime = chunks.minTimes[i] as number;
  const maxTime = chunks.maxTimes[i] as number;
  if (minTime !== 0) frame.intField(ChunkField.minTime, minTime);
  if (maxTime !== 0) frame.intField(ChunkField.maxTime, maxTime);
  frame.uintField(ChunkField.type, chunks.encodings[i] as number);
  frame.bytesField(ChunkField.data, chunks.data.bytes.subarray(chunks.starts[i], chunks.ends[i]));
  frame.end(chunk);
}

/** Size, checksum, data. */
function writeFrame(data: Uint8Array, sink: ByteSink): void {
  const head = new WireWriter(16);
  head.uvarint(data.length);
  head.uint32(crc32c(data));
  sink.bytes(head.view());
  sink.bytes(data);
}

const NO_INTEGERS: ReadonlySet<FloatHistogramFields> = new Set();

function integersOf({ histograms, halves, count }: SampleBuffer): ReadonlySet<FloatHistogramFields> {
  if (histograms === undefined) return NO_INTEGERS;
  const integers = new Set<FloatHistogramFields>();
  for (let i = 0; i < count; i++) {
    const histogram = histograms[i];
    if (histogram?.integer === true && !isStaleAt(halves, i)) integers.add(histogram);
  }
  return integers;
}
