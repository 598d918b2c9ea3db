// The storage engine's kernels beside what the design measured for each: `npm run bench -- kernels`. A few seconds.
// Best of several runs, caches warm; the design's figures are of prototypes on Node 20 and 24, on two cores of an EPYC.
import { BitWriter, ByteWriter, compressInto, crc32c, maxCompressedLength } from "@narthex/encoding";
import { compileRegex, Labels, Matcher } from "@narthex/model";
import { LabelBytes, SampleBuffer } from "@narthex/storage";
import { decodeXor, encodeXor } from "./chunk/xor.ts";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { Head } from "./head/head.ts";
import { Replay, ReplayChunks } from "./head/replay.ts";
import { CELL_BYTES, REF_BYTES, ROW_BYTES, RowWord, SampleRows } from "./head/sample-rows.ts";
import { encodeSeriesFromMemory } from "./head/series-record.ts";
import { AHEAD_REGION } from "./kernels/desk.ts";
import { decodeSamples, encodeSamples, SAMPLES_HEADER_BYTES, SampleRecord } from "./wal/sample-record.ts";
import { beginSeries, encodeSeries } from "./wal/series-record.ts";

/** What the design names, in nanoseconds per sample: on Node 20, on Node 24. Undefined where it names nothing. */
type Design = readonly [node20: number, node24: number] | undefined;

/** XOR append in TypeScript, two 32-bit halves, series side by side in typed arrays. */
const DESIGN_APPEND_NS: Design = [42, 40];
/** XOR decoding in TypeScript into a Float64Array. */
const DESIGN_DECODE_NS: Design = [8.1, 8];
/** A samples record of 10,000, in TypeScript. */
const DESIGN_WAL_ENCODE_NS: Design = [5.3, 5.1];
/** CRC-32C by eight tables, in TypeScript. */
const DESIGN_CRC_NS: Design = [6, 5.8];
/** Snappy compiled from AssemblyScript; pure TypeScript was not measured. */
const DESIGN_SNAPPY_NS: Design = [14.8, 13.3];
/** Selectors and regular expressions were not measured. */
const DESIGN_POSTINGS: Design = undefined;
const DESIGN_REGEX: Design = undefined;

const SERIES = 10_000;
const SAMPLES = 120;
const START = 1_700_006_400_000;

function best(work: () => void, runs: number): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run++) {
    const began = performance.now();
    work();
    least = Math.min(least, performance.now() - began);
  }
  return least * 1e6;
}

function row(kernel: string, nanoseconds: number, unit: string, design: Design): void {
  const figure = design === undefined ? "none named" : `${design[0]} (Node 20), ${design[1]} (24)`;
  const digits = nanoseconds < 100 ? 1 : 0;
  console.log(`  ${kernel.padEnd(44)} ${nanoseconds.toFixed(digits).padStart(9)} ${unit.padEnd(11)} ${figure}`);
}

function sampleValue(series: number, sample: number): number {
  return series % 3 === 0
    ? series * 1000 + sample * (1 + (series % 17))
    : series % 3 === 1
      ? (series + (sample >>> 4)) / 4
      : series;
}

console.log(`kernels, Node ${process.version}${" ".repeat(31)}  measured             the design`);

// Appending: all series of a scrape, sample after sample.
{
  const head = new Head({ chunkRangeMs: 7_200_000, memoryBytes: 2 ** 28 });
  const records = new Uint32Array(SERIES);
  for (let s = 0; s < SERIES; s++) {
    records[s] = head.recordOf(head.seriesRef(Labels.fromObject({ __name__: "m", s: String(s) })));
  }
  const times = new Float64Array(SERIES);
  const values = new Float64Array(SERIES);
  const halves = new Uint32Array(values.buffer);
  let least = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let i = 0; i < SAMPLES * 3; i++) {
    times.fill(START + i * 15_000);
    for (let s = 0; s < SERIES; s++) values[s] = sampleValue(s, i);
    const began = performance.now();
    head.replayed.floats(records, times, halves, undefined, SERIES);
    spent += performance.now() - began;
    if (i % SAMPLES !== SAMPLES - 1) continue;
    least = Math.min(least, spent);
    spent = 0;
  }
  row("append to the head, without a log", (least * 1e6) / (SERIES * SAMPLES), "ns/sample", DESIGN_APPEND_NS);
}

// Decoding whole chunks.
{
  const writer = new BitWriter(65_536);
  const times = new Float64Array(SAMPLES);
  const values = new Float64Array(SAMPLES);
  const chunks = Array.from({ length: SERIES }, (_, s) => {
    for (let i = 0; i < SAMPLES; i++) {
      times[i] = START + i * 15_000;
      values[i] = sampleValue(s, i);
    }
    writer.clear();
    encodeXor(writer, times, new Uint32Array(values.buffer), 0, SAMPLES);
    return writer.toBytes();
  });
  const into = new SampleBuffer(SAMPLES);
  const took = best(() => {
    for (const chunk of chunks) {
      into.clear();
      decodeXor(chunk, 0, chunk.length, 0, 9e15, into);
    }
  }, 10);
  row("decode XOR chunks", took / (SERIES * SAMPLES), "ns/sample", DESIGN_DECODE_NS);
}

// The log's record of a scrape.
{
  const refs = Uint32Array.from({ length: SERIES }, (_, i) => i + 1);
  const times = new Float64Array(SERIES).fill(START);
  const values = Float64Array.from({ length: SERIES }, (_, i) => (i % 3 === 0 ? i : i / 7));
  const halves = new Uint32Array(values.buffer);
  const record = new ByteWriter(200_000);
  const encode = (): void => {
    record.clear();
    encodeSamples(record, refs, times, halves, 0, SERIES);
  };
  row("encode a WAL record", best(encode, 100) / SERIES, "ns/sample", DESIGN_WAL_ENCODE_NS);
  const into = new SampleRecord();
  row(
    "decode it",
    best(() => decodeSamples(record.bytes, 0, record.length, into), 100) / SERIES,
    "ns/sample",
    undefined,
  );
  const packed = new Uint8Array(maxCompressedLength(record.length));
  let length = 0;
  const compress = (): void => {
    length = compressInto(record.bytes.subarray(0, record.length), packed);
  };
  row("compress it with snappy", best(compress, 60) / SERIES, "ns/sample", DESIGN_SNAPPY_NS);
  row(
    "CRC-32C of what was compressed",
    best(() => crc32c(packed, 0, length), 200) / SERIES,
    "ns/sample",
    DESIGN_CRC_NS,
  );
}

// What a replay does for each series and sample of the log, by compiled kernels.
{
  const head = new Head({ chunkRangeMs: 7_200_000, memoryBytes: 2 ** 30 });
  const { kernels } = head;
  if (kernels === undefined) throw new Error("the kernels are not built");
  head.table.deferPostings();
  const replay = new Replay(head, new ReplayChunks());
  const series = new ByteWriter(2 ** 20);
  beginSeries(series);
  for (let s = 0; s < SERIES; s++) {
    const labels = { __name__: `metric_${s >>> 4}`, instance: "host-1:9100", job: "node", mode: `mode-${s & 15}` };
    encodeSeries(series, s + 1, Labels.fromObject(labels));
  }
  kernels.input.set(series.bytes.subarray(0, series.length));
  const began = performance.now();
  replay.apply({ bytes: kernels.input, start: 0, end: series.length });
  row("make a series of the log", ((performance.now() - began) * 1e6) / SERIES, "ns/series", undefined);
  const postings = performance.now();
  replay.finish();
  row("make its postings", ((performance.now() - postings) * 1e6) / SERIES, "ns/series", undefined);

  // A stretch of the log as the second thread fills it: each row a scrape.
  const rows = 8;
  const refs = Float64Array.from({ length: SERIES }, (_, i) => i + 1);
  const times = new Float64Array(SERIES);
  const values = new Float64Array(SERIES);
  const record = new ByteWriter(200_000);
  const { buffer } = head.memory.memory;
  const listAt = head.memory.layout.scratch.offset + AHEAD_REGION.offset;
  const refsAt = listAt + rows * ROW_BYTES;
  const valuesAt = (at: number): number => refsAt + SERIES * (REF_BYTES + at * CELL_BYTES);
  let decoding = Number.POSITIVE_INFINITY;
  let appending = Number.POSITIVE_INFINITY;
  for (let run = 0, i = 0; run < 30; run++) {
    let spent = 0;
    for (let at = 0; at < rows; at++, i++) {
      times.fill(START + i * 15_000);
      for (let s = 0; s < SERIES; s++) values[s] = sampleValue(s, i);
      record.clear();
      encodeSamples(record, refs, times, new Uint32Array(values.buffer), 0, SERIES);
      kernels.input.set(record.bytes.subarray(0, record.length));
      const base = [1, START + i * 15_000] as const;
      const body = [kernels.input, SAMPLES_HEADER_BYTES, record.length] as const;
      if (at === 0) kernels.decodeFirstRow(...body, ...base, valuesAt(0), 0, refsAt);
      const from = performance.now();
      if (at > 0) kernels.decodeNextRow(...body, ...base, valuesAt(at), 0, refsAt, SERIES);
      spent += performance.now() - from;
      new Uint32Array(buffer, listAt + at * ROW_BYTES, ROW_BYTES / 4).set([valuesAt(at), 0, at]);
      new Float64Array(buffer, listAt + at * ROW_BYTES, ROW_BYTES / 8)[RowWord.time / 2] = base[1];
    }
    decoding = Math.min(decoding, spent);
    const from = performance.now();
    const all = new SampleRows(buffer, refsAt, SERIES, listAt, rows);
    replay.apply({ bytes: kernels.input, start: 0, end: 0, rows: all });
    appending = Math.min(appending, performance.now() - from);
  }
  if (head.counters.samplesAppended !== 30 * rows * SERIES) throw new Error("samples are missing");
  row("decode the log's samples to rows", (decoding * 1e6) / (SERIES * (rows - 1)), "ns/sample", undefined);
  row(`append ${rows} rows of them`, (appending * 1e6) / (SERIES * rows), "ns/sample", undefined);
}

// A series that somebody appends to: made of its labels, found by them, and told to the log.
{
  const rows = Array.from({ length: SERIES }, (_, s) => {
    const labels = new LabelBytes();
    labels.addText("__name__", `metric_${s >>> 4}`);
    labels.addText("instance", "host-1:9100");
    labels.addText("job", "node");
    labels.addText("mode", `mode-${s & 15}`);
    return labels;
  });
  for (const useKernels of [true, false]) {
    const how = useKernels ? "" : ", without kernels";
    const head = new Head({ chunkRangeMs: 7_200_000, memoryBytes: 2 ** 30, useKernels });
    const appender = head.appender();
    const walk = (): void => {
      for (const labels of rows) appender.seriesOfBytes(labels);
    };
    // Once: what comes first is what a process makes when it starts.
    row(`make a series of its labels${how}`, best(walk, 1) / SERIES, "ns/series", undefined);
    row(`find it${how}`, best(walk, 30) / SERIES, "ns/series", undefined);
    const { kernels, memory } = head;
    const records = [...head.unloggedSeries];
    const into = new ByteWriter(2 ** 20);
    const encode = (): void => {
      into.clear();
      if (kernels !== undefined) kernels.encodeSeries(records, 0);
      else for (const record of records) encodeSeriesFromMemory(memory, record, into);
    };
    row(`encode it for the log${how}`, best(encode, 30) / SERIES, "ns/series", undefined);
    appender.rollback();
  }
}

// Selecting: postings of the head, then regular expressions by themselves.
{
  const count = 50_000;
  const db = await Db.open({ directory: "data", fs: new MemoryFs(), memoryBytes: 2 ** 28, maintenanceIntervalMs: 0 });
  const appender = db.appender();
  for (let i = 0; i < count; i++) {
    const labels = { __name__: `metric_${i % 50}`, job: `job-${i % 10}`, instance: `host-${Math.floor(i / 50)}:9100` };
    appender.append(appender.series(Labels.fromObject(labels)), START, i);
  }
  appender.commit();
  const querier = db.querier(0, 9e15);
  const select = (...matchers: readonly Matcher[]): number =>
    best(() => void querier.select(matchers).count, 30) / 1000;
  const name = new Matcher("=", "__name__", "metric_7");
  row(`postings: a name, of ${count} series`, select(name), "us", DESIGN_POSTINGS);
  row("postings: a name and a job", select(name, new Matcher("=", "job", "job-7")), "us", DESIGN_POSTINGS);
  row(
    "postings: a name and instances by prefix",
    select(name, new Matcher("=~", "instance", "host-1.*")),
    "us",
    DESIGN_POSTINGS,
  );
  querier.close();
  await db.close();
  const texts = Array.from(
    { length: 10_000 },
    (_, i) => `node-${i % 97}.region-${i % 7}.example.com:${9000 + (i % 500)}`,
  );
  for (const [kind, source] of [
    ["a prefix", "node-1.*"],
    ["wildcards", "node-1.*region-3.*:9.+"],
    ["classes and counts", "node-[0-9]+\\.region-[0-9]\\.example\\.com:90[0-9]{2}"],
  ] as const) {
    const regex = compileRegex(source);
    let matched = 0;
    const took = best(() => {
      for (const text of texts) if (regex.matches(text)) matched++;
    }, 20);
    if (matched === 0) throw new Error(`${source} matched nothing`);
    row(`regular expression: ${kind}`, took / texts.length, "ns/value", DESIGN_REGEX);
  }
}
