import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@narthex/toolkit";
import { type Span, Tracing } from "@narthex/tracing";
import { type CollectedSpan, FakeCollector, HandClock } from "@narthex/tracing/testing";
import { QueryTrace } from "./query-trace.ts";

/** What a collector gets of what `run` does within a span, by name: parent, and milliseconds from the first span's start to start and end. */
async function collected(run: (span: Span, clock: HandClock) => void) {
  const collector = await FakeCollector.start("http");
  const clock = new HandClock();
  const tracing = new Tracing({ service: "prometheus", version: "3", clock, logger: silentLogger });
  tracing.apply(collector.config());
  const root = tracing.tracer.start("root") as Span;
  run(root, clock);
  root.end();
  await tracing.stop();
  const { spans } = collector;
  const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
  const ms = (time: bigint) => Number(time / 1_000_000n) - root.startMs;
  const shape = ({ name, parentId, start, end }: CollectedSpan) => [name, names.get(parentId), ms(start), ms(end)];
  return { spans, shapes: spans.map(shape) };
}

const RANGE = {
  kind: "range",
  expr: "rate(x[5m])",
  startMs: 0,
  endMs: 60_000,
  stepMs: 15_000,
  timeoutMs: undefined,
  lookbackDeltaMs: undefined,
  limit: 0,
  stats: "none",
  format: "json",
} as const;
const STATISTICS = {
  samples: 7,
  samplesRead: 7,
  peakSamples: 3,
  preparationSeconds: 0.01,
  evaluationSeconds: 0.02,
  sortSeconds: 0.005,
};

test("query trace: waiting, and the steps that the statistics tell of, stand one after the other before the end", async () => {
  const { spans, shapes } = await collected((root, clock) => {
    const trace = new QueryTrace(root, RANGE);
    clock.turn(100);
    trace.begin();
    clock.turn(50);
    trace.end(STATISTICS, undefined);
  });
  assert.deepEqual(shapes, [
    ["promqlExecQueue", "promqlExec", 0, 100],
    ["promqlPrepare", "promqlEval", 115, 125],
    ["promqlInnerEval", "promqlEval", 125, 145],
    ["promqlSort", "promqlEval", 145, 150],
    ["promqlEval", "promqlExec", 100, 150],
    ["promqlExec", "promqlRangeQuery", 0, 150],
    ["promqlRangeQuery", "root", 0, 150],
    ["root", undefined, 0, 150],
  ]);
  assert.deepEqual(spans.find(({ name }) => name === "promqlRangeQuery")?.attributes, {
    query: "rate(x[5m])",
    start: "1970-01-01T00:00:00.000Z",
    end: "1970-01-01T00:01:00.000Z",
    step: "15s",
    total_samples: 7,
  });
});

test("query trace: a query that is turned away before it runs has failed and was not evaluated", async () => {
  const { spans, shapes } = await collected((root, clock) => {
    const trace = new QueryTrace(root, RANGE);
    clock.turn(100);
    trace.end(undefined, new Error("query timed out in query queue"));
  });
  assert.deepEqual(
    shapes.map(([name]) => name),
    ["promqlExec", "promqlRangeQuery", "root"],
  );
  assert.deepEqual(spans[1]?.status, { code: 2, message: "query timed out in query queue" });
});

test("query trace: a rule's query is a part of the rule's span, which tells what was asked, whenever that is", async () => {
  const { spans, shapes } = await collected((root) => {
    const trace = new QueryTrace(root, { kind: "vector", expr: "x", timeMs: Number.MAX_SAFE_INTEGER });
    trace.begin();
    trace.end({ ...STATISTICS, preparationSeconds: 0, evaluationSeconds: 0, sortSeconds: 0 }, undefined);
  });
  assert.deepEqual(
    shapes.map(([name, parent]) => [name, parent]),
    [
      ["promqlExecQueue", "promqlExec"],
      ["promqlPrepare", "promqlEval"],
      ["promqlInnerEval", "promqlEval"],
      ["promqlEval", "promqlExec"],
      ["promqlExec", "root"],
      ["root", undefined],
    ],
  );
  assert.equal(spans.at(-1)?.attributes["query"], "x");
  assert.equal(spans.at(-1)?.attributes["time"], String(Number.MAX_SAFE_INTEGER));
});
