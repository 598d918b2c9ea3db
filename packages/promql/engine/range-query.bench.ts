// sum by (job) (rate(m[5m])) over 10,000 series of 24 h at 15 s, steps of a minute: what the engine adds to reading.
import { Labels } from "@narthex/model";
import type { Names, Querier, Queryable, SampleBuffer, SeriesSet } from "@narthex/storage";
import { Engine } from "./engine.ts";

const SERIES = Number(process.argv[2] ?? 10_000);
const SAMPLES = 5760;
const INTERVAL_MS = 15_000;
const STEP_MS = 60_000;
const START_MS = 1_700_000_000_000;
const RESET_EVERY = 1500;

const times = Float64Array.from({ length: SAMPLES }, (_, i) => START_MS + i * INTERVAL_MS);
/** A few walks of a counter with fractions and resets; each series takes one of them. */
const walks = Array.from({ length: 16 }, (_, w) => {
  const values = new Float64Array(SAMPLES);
  let value = w;
  for (let i = 0; i < SAMPLES; i++) {
    value = (i + 97 * w) % RESET_EVERY === RESET_EVERY - 1 ? 0 : value + ((i * 7919 + w * 104729) % 1000) / 7;
    values[i] = value;
  }
  return values;
});

/** Series whose samples cost no more than two copies of arrays. */
class SyntheticQueryable implements Queryable {
  querier(): Querier {
    const set: SeriesSet = {
      count: SERIES,
      labels: (i) => new Labels(["__name__", "m", "instance", `host-${i}`, "job", `job-${i % 10}`]),
      read(i: number, _minTime: number, _maxTime: number, into: SampleBuffer) {
        into.reserve(SAMPLES);
        into.times.set(times);
        into.values.set(walks[i % walks.length] as Float64Array);
        into.count = SAMPLES;
      },
      warnings: [],
    };
    const none: Names = { values: [], truncated: false };
    return {
      select: () => set,
      estimateSeries: () => SERIES,
      labelNames: () => none,
      labelValues: () => none,
      close() {},
    };
  }
}

const queries = [
  "sum by (job) (rate(m[5m]))",
  "sum by (job) (rate(m[1h]))",
  "sum by (job) (m)",
  "avg by (job) (avg_over_time(m[5m]))",
  "max by (job) (max_over_time(m[1h]))",
  "sum by (job) (rate(m[5m]) * 8)",
  "topk(3, rate(m[5m]))",
  "quantile(0.9, rate(m[5m]))",
  "rate(m[5m]) / on (instance, job) m",
];
const queryable = new SyntheticQueryable();
const set = queryable.querier().select([]);
const { SampleBuffer: Buffer } = await import("@narthex/storage");

function production(): number {
  const buffer = new Buffer();
  const began = performance.now();
  for (let i = 0; i < SERIES; i++) {
    buffer.clear();
    set.read(i, 0, Infinity, buffer);
  }
  return performance.now() - began;
}

production();
const reading = Math.min(production(), production(), production());
const engine = new Engine({ maxSamples: 1e9, memoryBudgetBytes: 4 * 2 ** 30 });
const endMs = START_MS + (SAMPLES - 1) * INTERVAL_MS;
console.log(`${SERIES} series x ${SAMPLES} samples; producing them takes ${reading.toFixed(0)} ms`);
console.log("query | ms | without production | ns per sample | ns per point");
for (const query of queries) {
  let best = Infinity;
  for (let round = 0; round < 3; round++) {
    const began = performance.now();
    engine.rangeQuery(queryable, query, START_MS, endMs, STEP_MS);
    best = Math.min(best, performance.now() - began);
  }
  const net = best - reading;
  const steps = Math.floor((endMs - START_MS) / STEP_MS) + 1;
  const perSample = ((net * 1e6) / (SERIES * SAMPLES)).toFixed(2);
  const perPoint = ((net * 1e6) / (SERIES * steps)).toFixed(1);
  console.log(`${query} | ${best.toFixed(0)} | ${net.toFixed(0)} | ${perSample} | ${perPoint}`);
}
