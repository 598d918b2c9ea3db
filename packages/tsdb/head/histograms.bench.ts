// What appending native histograms costs, and that memory follows series and buckets, not samples.
// node --expose-gc packages/tsdb/dist/head/histograms.bench.js [series] [buckets]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { Db } from "../db.ts";

const seriesCount = Number(process.argv[2] ?? 2000);
const bucketCount = Number(process.argv[3] ?? 40);
const directory = mkdtempSync(join(tmpdir(), "narthex-histograms-"));
const db = await Db.open({ directory, memoryBytes: 2 ** 30, maintenanceIntervalMs: 0 });
const first = db.appender();
const refs = Array.from({ length: seriesCount }, (_, i) =>
  first.series(Labels.fromObject({ __name__: "h", i: String(i) })),
);
first.commit();

const counts = new Float64Array(bucketCount);
const rows: Record<string, string>[] = [];
let spentMs = 0;
for (let round = 1; round <= 480; round++) {
  let count = 0;
  for (let i = 0; i < bucketCount; i++) {
    if ((i * 7 + round) % 3 === 0) counts[i] = (counts[i] as number) + 1 + ((i + round) % 4);
    count += counts[i] as number;
  }
  const histogram: FloatHistogramFields = {
    counterResetHint: 0,
    schema: 3,
    zeroThreshold: 2 ** -128,
    zeroCount: 0,
    count,
    sum: count * 1.1,
    positiveSpans: [{ offset: 0, length: bucketCount }],
    negativeSpans: [],
    positiveBuckets: counts.slice(),
    negativeBuckets: new Float64Array(0),
    customValues: [],
  };
  const began = performance.now();
  const appender = db.appender();
  for (const ref of refs) appender.appendHistogram(ref, 1.7e12 + round * 15_000, histogram, true);
  appender.commit();
  spentMs += performance.now() - began;
  if (round % 120 !== 0) continue;
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  rows.push({
    "samples a series": String(round),
    "us a histogram": ((spentMs * 1000) / round / seriesCount).toFixed(2),
    "head, bytes a series": (db.head.usedBytes / seriesCount).toFixed(0),
    "JS heap, MB": (heapUsed / 1e6).toFixed(1),
    "resident, MB": (rss / 1e6).toFixed(0),
  });
}
console.table(rows);
await db.close();
rmSync(directory, { recursive: true });
