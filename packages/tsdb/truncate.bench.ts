// How long a truncation of the head holds the event loop up: half of the series end, and go.
//
//   node packages/tsdb/dist/truncate.bench.js [series]
import { Labels } from "@narthex/model";
import { Head } from "./head/head.ts";
import { inSlices, type Steps } from "./head/steps.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const count = Number(process.argv[2] ?? 1_000_000);

/** The longest of all steps, and between what pauses they were done. */
function* timed<T>(steps: Steps<T>, times: number[]): Steps<T> {
  let wasPaused = false;
  for (;;) {
    const began = performance.now();
    const step = steps.next(wasPaused);
    times.push(performance.now() - began);
    if (step.done) return step.value;
    wasPaused = yield;
  }
}

async function measure(name: string, make: () => Steps<unknown>): Promise<void> {
  const times: number[] = [];
  let slices = 0;
  let longest = 0;
  let last = performance.now();
  let running = true;
  const tick = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    slices++;
    if (running) setImmediate(tick);
  };
  setImmediate(tick);
  const began = performance.now();
  await inSlices(timed(make(), times), 4, () => false);
  const took = performance.now() - began;
  running = false;
  const step = Math.max(...times.slice(0, 100_000));
  console.log(
    `${name.padEnd(28)} ${took.toFixed(0).padStart(6)} ms in ${String(slices).padStart(4)} slices, longest slice ${longest.toFixed(1)} ms, longest step ${step.toFixed(1)} ms`,
  );
}

const head = new Head({ chunkRangeMs: RANGE });
for (let from = 0; from < count; from += 10_000) {
  for (let round = 0; round < 3; round++) {
    const appender = head.appender();
    for (let i = from; i < Math.min(count, from + 10_000); i++) {
      if (round === 2 && i % 2 === 0) continue;
      const labels = Labels.fromObject({
        __name__: `metric_${i % 500}`,
        instance: `10.0.${(i >> 9) & 255}.${i % 3}:9100`,
        job: "node",
        id: String(i),
        zone: "eu",
      });
      const ref = appender.series(labels);
      appender.append(ref, START + (round === 2 ? RANGE : round * 15_000), i);
    }
    appender.commit();
  }
}
console.log(`${head.seriesCount} series`);
await measure("truncate, half goes", () => head.truncating(START + RANGE));
await measure("oldest chunk file", () => head.findingOldestChunkFile());
console.log(`${head.seriesCount} series left`);
