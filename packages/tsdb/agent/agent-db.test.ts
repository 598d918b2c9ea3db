import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { Append, type Appender, InvalidLabelsError, LabelBytes, type SeriesRef } from "@narthex/storage";
import { type Faults, FaultyFs } from "../fs/faulty-fs.ts";
import type { FileSystem } from "../fs/file-system.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { decodeExemplars, decodeMetadata } from "../wal/entry-records.ts";
import { listCheckpoints, listSegments } from "../wal/format.ts";
import { decodeHistograms, isHistogramRecord } from "../wal/histogram-record.ts";
import { RecordType } from "../wal/record.ts";
import { decodeSamples, SampleRecord } from "../wal/sample-record.ts";
import { beginSeries, encodeSeries, SeriesRecordCursor } from "../wal/series-record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { WalWriter } from "../wal/wal-writer.ts";
import { AgentDb, type AgentDbOptions } from "./agent-db.ts";

const T = 1_700_000_000_000;

function open(fs: FileSystem, options: Partial<AgentDbOptions> = {}): Promise<AgentDb> {
  return AgentDb.open({
    directory: "agent",
    fs,
    now: () => T,
    truncateEveryMs: 0,
    keepsExemplars: true,
    sentUntil: () => 0,
    ...options,
  });
}

const named = (name: string, more: Record<string, string> = {}): Labels =>
  Labels.fromObject({ __name__: name, ...more });

function commit(db: AgentDb, work: (appender: Appender) => void): void {
  const appender = db.appender();
  work(appender);
  appender.commit();
}

/** One sample, its series made at need. */
function add(db: AgentDb, name: string, t: number, value = 1): SeriesRef {
  let ref = 0;
  commit(db, (appender) => {
    ref = appender.series(named(name));
    appender.append(ref, t, value);
  });
  return ref;
}

/** What a directory's log says, in order. */
function logged(fs: FileSystem, directory = "agent/wal"): string[] {
  const found: string[] = [];
  const reader = new WalReader(fs, directory);
  const samples = new SampleRecord();
  while (reader.next()) {
    const { bytes, start, end } = reader;
    const type = bytes[start] as number;
    if (type === RecordType.series) {
      const cursor = new SeriesRecordCursor(bytes, start, end);
      while (cursor.next()) found.push(`${cursor.ref} is ${cursor.labels().get("__name__")}`);
    } else if (type === RecordType.samples || type === RecordType.samplesV2) {
      decodeSamples(bytes, start, end, samples);
      const values = new Float64Array(samples.halves.buffer);
      for (let i = 0; i < samples.count; i++) {
        const isStale = samples.halves[2 * i + 1] === STALE_NAN_HIGH && samples.halves[2 * i] === STALE_NAN_LOW;
        const began = samples.startTimes?.[i] ?? 0;
        found.push(
          `${samples.refs[i]}@${(samples.times[i] as number) - T}=${isStale ? "stale" : values[i]}${began === 0 ? "" : ` since ${began - T}`}`,
        );
      }
    } else if (isHistogramRecord(type)) {
      for (const { ref, t, integer, histogram, stale } of decodeHistograms(bytes, start, end)) {
        found.push(`${ref}@${t - T}: ${integer ? "integer" : "float"} histogram ${stale ? "stale" : histogram.sum}`);
      }
    } else if (type === RecordType.exemplars) {
      for (const { ref, exemplar } of decodeExemplars(bytes, start, end))
        found.push(`${ref} exemplar ${exemplar.value}`);
    } else if (type === RecordType.metadata) {
      for (const { ref, metadata } of decodeMetadata(bytes, start, end)) found.push(`${ref} is a ${metadata.type}`);
    }
  }
  assert.equal(reader.corruption, undefined);
  return found;
}

const histogram: FloatHistogramFields = {
  counterResetHint: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 1,
  count: 4,
  sum: 2,
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveBuckets: Float64Array.of(2, 1),
  negativeBuckets: new Float64Array(0),
  customValues: [],
};

test("agent storage: series before what names them, then metadata, floats, histograms, exemplars", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const metadata = { type: "counter", help: "h", unit: "" } as const;
  const exemplar = { labels: Labels.fromObject({ trace: "x" }), value: 7, t: T };
  commit(db, (appender) => {
    const a = appender.series(named("a"));
    const bytes = new LabelBytes();
    bytes.addText("__name__", "b");
    const b = appender.seriesOfBytes(bytes);
    assert.equal(appender.series(named("b")), b);
    assert.equal(appender.append(a, T, 1.5), Append.ok);
    assert.equal(appender.appendStale(b, T), Append.ok);
    assert.equal(appender.appendHistogram(a, T + 1, histogram, true), Append.ok);
    assert.equal(appender.appendExemplar(a, exemplar), Append.ok);
    appender.updateMetadata(a, metadata);
  });
  commit(db, (appender) => {
    appender.updateMetadata(1, { ...metadata });
    assert.equal(appender.appendExemplar(1, { ...exemplar }), Append.duplicate);
    assert.equal(appender.appendExemplar(1, { ...exemplar, t: T - 1 }), Append.outOfOrder);
  });
  assert.deepEqual(logged(fs), [
    "1 is a",
    "2 is b",
    "1 is a counter",
    "1@0=1.5",
    "2@0=stale",
    "1@1: integer histogram 2",
    "1 exemplar 7",
  ]);
  assert.equal(db.counters.samplesAppended, 2);
  assert.equal(db.counters.histogramsAppended, 1);
  assert.equal(db.activeSeries, 2);
  assert.equal(db.newestTime, T + 1);
  db.close();
});

test("agent storage: what is not newer than its series is refused, unless there is an out-of-order window", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const ref = add(db, "m", T);
  commit(db, (appender) => {
    assert.equal(appender.append(ref, T, 2), Append.outOfOrder);
    assert.equal(appender.append(ref, T - 5, 2), Append.outOfOrder);
    assert.equal(appender.append(ref, T + 2, 2), Append.ok);
    // Nor than what the same transaction has.
    assert.equal(appender.append(ref, T + 1, 2), Append.outOfOrder);
    assert.equal(appender.append(ref + 1, T, 2), Append.unknownRef);
    assert.equal(appender.append(ref, 0.5, 2), Append.unsupported);
    assert.equal(appender.appendHistogram(ref, T + 3, { ...histogram, count: 1 }, true), Append.unsupported);
  });
  db.outOfOrderWindowMs = 10;
  commit(db, (appender) => {
    assert.equal(appender.append(ref, T - 7, 3), Append.ok);
    assert.equal(appender.append(ref, T - 8, 3), Append.outOfOrder);
  });
  assert.equal(db.counters.outOfOrder, 4);
  assert.deepEqual(logged(fs), ["1 is m", "1@0=1", "1@2=2", "1@-7=3"]);
  assert.throws(() => db.appender().series(Labels.empty), InvalidLabelsError);
  db.close();
});

test("agent storage: a rolled-back transaction leaves no sample, and its series are logged with the next", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const appender = db.appender();
  const ref = appender.series(named("m"));
  appender.append(ref, T + 50, 1);
  appender.append(ref, T + 60, 1);
  appender.rollback();
  assert.deepEqual(logged(fs), []);
  assert.equal(add(db, "m", T + 1), ref);
  assert.deepEqual(logged(fs), ["1 is m", "1@1=1"]);
  db.close();
});

test("agent storage: start times are logged when asked for", async () => {
  const fs = new MemoryFs();
  const db = await open(fs, { logsStartTimes: true });
  commit(db, (appender) => {
    const ref = appender.series(named("m"));
    appender.append(ref, T, 1, T - 5);
    appender.append(ref, T + 1, 2);
  });
  assert.deepEqual(logged(fs), ["1 is m", "1@0=1 since -5", "1@1=2"]);
  db.close();
});

test("agent storage: after a restart series keep their refs and the times of their newest samples", async () => {
  const fs = new MemoryFs();
  const first = await open(fs);
  const [a, b] = [add(first, "a", T + 10), add(first, "b", T)];
  first.close();
  const db = await open(fs);
  assert.equal(db.activeSeries, 2);
  commit(db, (appender) => {
    assert.equal(appender.series(named("a")), a);
    assert.equal(appender.series(named("b")), b);
    assert.equal(appender.append(a, T + 10, 1), Append.outOfOrder);
    assert.equal(appender.append(b, T + 10, 1), Append.ok);
  });
  assert.equal(add(db, "c", T), 3);
  db.close();
});

test("agent storage: truncation forgets series without samples, and a checkpoint keeps the others' labels", async () => {
  const fs = new MemoryFs();
  let sent = 0;
  const now = T + 60_000;
  const db = await open(fs, { sentUntil: () => sent, minWalTimeMs: 1000, maxWalTimeMs: 600_000, now: () => now });
  const [old, kept] = [add(db, "old", T), add(db, "kept", T)];
  commit(db, (appender) => appender.updateMetadata(kept, { type: "gauge", help: "", unit: "" }));
  // Nothing was sent: all samples are within the longest time that they may wait.
  await db.truncate();
  assert.equal(db.activeSeries, 2);
  sent = T + 10_000;
  for (let i = 0; i < 3; i++) {
    add(db, "kept", T + 20_000 + i);
    await db.truncate();
  }
  assert.equal(db.activeSeries, 1);
  const [checkpoint] = listCheckpoints(fs, "agent/wal");
  assert.ok(checkpoint !== undefined && listSegments(fs, "agent/wal")[0]?.index === checkpoint.index + 1);
  commit(db, (appender) => {
    assert.equal(appender.append(old, T + 60_000, 1), Append.unknownRef);
    assert.equal(appender.append(kept, T + 60_000, 1), Append.ok);
  });
  // The log speaks of the old one for as long as it has its samples.
  for (let i = 0; i < 3; i++) await db.truncate();
  assert.equal(db.endedSeries, 0);
  const last = listCheckpoints(fs, "agent/wal");
  assert.equal(last.length, 1);
  assert.deepEqual(logged(fs, last[0]?.path), [`${kept} is kept`, `${kept} is a gauge`]);
  db.close();
  const again = await open(fs);
  assert.equal(again.activeSeries, 1);
  assert.equal(add(again, "old", T + 70_000), old + 2, "a ref is not given out twice");
  again.close();
});

test("agent storage: what nobody takes goes after the longest time that it may wait", async () => {
  const fs = new MemoryFs();
  let now = T;
  const db = await open(fs, { maxWalTimeMs: 1000, now: () => now });
  add(db, "m", T);
  now = T + 900;
  await db.truncate();
  assert.equal(db.activeSeries, 1);
  now = T + 1100;
  await db.truncate();
  assert.equal(db.activeSeries, 0);
  db.close();
});

test("agent storage: a series that the log knows by two refs gets one, and samples of both count", async () => {
  const fs = new MemoryFs();
  const first = await open(fs);
  add(first, "m", T);
  first.close();
  // Another run that did not know of it, as when a checkpoint was lost.
  const other = new MemoryFs();
  const second = await open(other);
  add(second, "x", T);
  add(second, "m", T + 5);
  second.close();
  const bytes = new Uint8Array(other.size("agent/wal/00000000"));
  other.open("agent/wal/00000000", "read").read(bytes, 0, bytes.length, 0);
  fs.open("agent/wal/00000001", "create").append(bytes);
  const db = await open(fs);
  assert.equal(db.activeSeries, 1, "x has the ref that m had first, and is taken for it, as in the reference");
  assert.equal(db.endedSeries, 1);
  commit(db, (appender) => {
    assert.equal(appender.append(1, T + 5, 1), Append.outOfOrder);
    assert.equal(appender.append(1, T + 6, 1), Append.ok);
  });
  db.close();
});

test("agent storage: a damaged log is cut where it is damaged, and goes on", async () => {
  const fs = new MemoryFs();
  const first = await open(fs, { walCompression: "none" });
  add(first, "a", T);
  const { offset } = first.log.position;
  add(first, "b", T);
  first.close();
  fs.truncate("agent/wal/00000000", offset + 20);
  const db = await open(fs);
  assert.equal(db.counters.corruptions, 1);
  assert.equal(db.activeSeries, 1);
  assert.equal(add(db, "b", T), 2);
  assert.deepEqual(logged(fs), ["1 is a", "1@0=1", "2 is b", "2@0=1"]);
  db.close();
});

test("agent storage: of a record of series that is broken further on nothing is taken, so that the log knows all series", async () => {
  const fs = new MemoryFs();
  await (await open(fs)).close();
  const record = new ByteWriter(64);
  beginSeries(record);
  for (const [i, name] of ["a", "b"].entries()) encodeSeries(record, i + 1, named(name));
  const wal = WalWriter.open(fs, "agent/wal");
  wal.log(record.bytes, record.length - 1);
  wal.close();
  const db = await open(fs);
  const ref = add(db, "a", T);
  assert.deepEqual(logged(fs), [`${ref} is a`, `${ref}@0=1`]);
  await db.close();

  // Of a checkpoint, which nobody cuts, as much as is whole.
  const other = new MemoryFs();
  await (await open(other)).close();
  const checkpoint = WalWriter.open(other, "agent/wal/checkpoint.00000000");
  checkpoint.log(record.bytes, record.length - 1);
  checkpoint.close();
  const again = await open(other);
  assert.deepEqual([add(again, "a", T), add(again, "c", T)], [1, 2]);
  await again.close();
});

test("agent storage: a commit that the disk refuses leaves nothing, and the next one works", async () => {
  const inner = new MemoryFs();
  const faults: Faults = {};
  const fs = new FaultyFs(inner, faults);
  const db = await open(fs);
  const ref = add(db, "a", T);
  const appender = db.appender();
  appender.append(ref, T + 1, 1);
  appender.append(appender.series(named("b")), T + 1, 1);
  faults.tearAt = fs.changes + 1;
  assert.throws(() => appender.commit());
  assert.equal(db.counters.writeFailures, 1);
  commit(db, (next) => {
    assert.equal(next.append(ref, T + 1, 2), Append.ok);
    assert.equal(next.append(next.series(named("b")), T + 1, 2), Append.ok);
  });
  assert.deepEqual(logged(inner), ["1 is a", "1@0=1", "2 is b", "1@1=2", "2@1=2"]);
  db.close();
});

test("agent storage: many series come and go, and each is found by its labels", async () => {
  const fs = new MemoryFs();
  let now = T;
  const db = await open(fs, { maxWalTimeMs: 1500, now: () => now });
  for (let round = 0; round < 6; round++) {
    now = T + round * 1000;
    const refs: SeriesRef[] = [];
    commit(db, (appender) => {
      for (let i = 0; i < 3000; i++) {
        const ref = appender.series(named("m", { i: String(i + round * 1000), pad: "x".repeat(i % 200) }));
        refs.push(ref);
        assert.equal(appender.append(ref, now, i), Append.ok);
      }
    });
    assert.equal(new Set(refs).size, 3000);
    commit(db, (appender) => {
      for (let i = 0; i < 3000; i += 7) {
        const labels = named("m", { i: String(i + round * 1000), pad: "x".repeat(i % 200) });
        assert.equal(appender.series(labels), refs[i]);
      }
    });
    await db.truncate();
    assert.ok(db.activeSeries <= 6000, `${db.activeSeries} series`);
  }
  db.close();
});
