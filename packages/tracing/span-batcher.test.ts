import assert from "node:assert/strict";
import { test } from "node:test";
import { type Logger, silentLogger } from "@narthex/toolkit";
import { Span } from "./span.ts";
import { INTERVAL_MS, MAX_BATCH, MAX_WAITING, SpanBatcher } from "./span-batcher.ts";
import { ExportError, type SpanExporter } from "./span-exporter.ts";
import { HandClock, spansOf } from "./testing.ts";

/** Takes requests and answers when the test says so. */
class Slow implements SpanExporter {
  /** Spans of each request. */
  readonly sizes: number[] = [];
  isClosed = false;
  #settle: ((error?: Error) => void)[] = [];

  send(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    this.sizes.push(spansOf(body).length);
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(new ExportError("context canceled", true)));
      this.#settle.push((error) => (error === undefined ? resolve(new Uint8Array(0)) : reject(error)));
    });
  }

  close(): void {
    this.isClosed = true;
  }

  /** Answers the oldest request. */
  async answer(error?: Error): Promise<void> {
    this.#settle.shift()?.(error);
    await quiet();
  }
}

/** What was promised so far has happened. */
const quiet = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function rig() {
  const clock = new HandClock();
  const exporter = new Slow();
  const logged: string[] = [];
  const note = (message: string, attributes = {}) => void logged.push(`${message} ${JSON.stringify(attributes)}`);
  const logger: Logger = { ...silentLogger, error: note, info: note };
  const resource = { attributes: {}, scopeName: "", scopeVersion: "" };
  const batcher = new SpanBatcher({ exporter, resource, clock, logger, random: () => 0.5 });
  const add = (count: number) => {
    for (let i = 0; i < count; i++) new Span(batcher, "work", "1".repeat(32), undefined).end();
  };
  return { clock, exporter, logged, batcher, add };
}

test("batches: few spans go after five seconds, 512 at once, and one request at a time", async () => {
  const { clock, exporter, batcher, add } = rig();
  add(3);
  clock.turn(INTERVAL_MS - 1);
  assert.deepEqual(exporter.sizes, []);
  clock.turn(1);
  assert.deepEqual(exporter.sizes, [3]);
  add(MAX_BATCH + 1);
  assert.deepEqual(exporter.sizes, [3]);
  await exporter.answer();
  assert.deepEqual(exporter.sizes, [3, MAX_BATCH]);
  await exporter.answer();
  await exporter.answer();
  assert.deepEqual(exporter.sizes, [3, MAX_BATCH, 1]);
  add(MAX_BATCH);
  assert.deepEqual(exporter.sizes, [3, MAX_BATCH, 1, MAX_BATCH]);
  await exporter.answer();
  assert.deepEqual(batcher.counts, { sent: 4 + 2 * MAX_BATCH, lost: 0 });
  assert.equal(clock.pending, 0);
});

test("queue: while a request is under way 2048 spans wait, those beyond are lost and told", async () => {
  const { exporter, logged, batcher, add } = rig();
  add(MAX_BATCH);
  add(MAX_WAITING + 7);
  assert.equal(batcher.counts.lost, 7);
  for (let i = 0; i < 5; i++) await exporter.answer();
  assert.deepEqual(batcher.counts, { sent: MAX_BATCH + MAX_WAITING, lost: 7 });
  assert.deepEqual(logged, ['Spans were lost: too many waited for the tracing collector {"lost":7}']);
});

test("transient failures are tried again with growing pauses for half a minute, then the batch is lost, once told", async () => {
  const { clock, exporter, logged, batcher, add } = rig();
  const fail = () => exporter.answer(new ExportError("unreachable", true));
  add(MAX_BATCH);
  for (const pauseMs of [1000, 2000, 4000, 8000, 10_000]) {
    await fail();
    const before = exporter.sizes.length;
    clock.turn(pauseMs - 1);
    await quiet();
    assert.equal(exporter.sizes.length, before);
    clock.turn(1);
    await quiet();
    assert.equal(exporter.sizes.length, before + 1);
  }
  assert.equal(batcher.counts.lost, 0);
  await fail();
  assert.equal(batcher.counts.lost, MAX_BATCH);
  add(1);
  clock.turn(INTERVAL_MS);
  await exporter.answer(new ExportError("unreachable", false));
  assert.equal(batcher.counts.lost, MAX_BATCH + 1);
  add(1);
  clock.turn(INTERVAL_MS);
  await exporter.answer();
  assert.deepEqual(logged, [
    `Sending spans to the tracing collector failed {"err":"unreachable","lost":${MAX_BATCH}}`,
    'Spans reach the tracing collector again {"lost":1}',
  ]);
});

test("a collector that asks for a pause gets it, unless it would last beyond half a minute", async () => {
  const { clock, exporter, batcher, add } = rig();
  add(MAX_BATCH);
  await exporter.answer(new ExportError("429", true, 20_000));
  clock.turn(19_999);
  await quiet();
  assert.equal(exporter.sizes.length, 1);
  clock.turn(1);
  await quiet();
  assert.equal(exporter.sizes.length, 2);
  await exporter.answer(new ExportError("429", true, 20_000));
  assert.equal(batcher.counts.lost, MAX_BATCH);
});

test("stop: what waits is sent and the exporter closed; spans after it are lost", async () => {
  const { exporter, batcher, add } = rig();
  add(2);
  const stopped = batcher.stop(5000);
  await exporter.answer();
  await stopped;
  assert.equal(exporter.isClosed, true);
  add(1);
  assert.deepEqual(batcher.counts, { sent: 2, lost: 1 });
});

test("stop: a pause before another attempt ends at once, and that attempt is the last", async () => {
  const { clock, exporter, batcher, add } = rig();
  add(MAX_BATCH);
  await exporter.answer(new ExportError("unreachable", true));
  const stopped = batcher.stop(5000);
  await quiet();
  assert.equal(exporter.sizes.length, 2);
  await exporter.answer(new ExportError("unreachable", true));
  await stopped;
  assert.equal(batcher.counts.lost, MAX_BATCH);
  assert.equal(clock.pending, 0);
});

test("stop: a collector that is silent costs spans, and no more than the timeout", async () => {
  const { clock, exporter, batcher, add } = rig();
  add(MAX_BATCH + 5);
  const stopped = batcher.stop(5000);
  await quiet();
  clock.turn(5000);
  await stopped;
  assert.equal(exporter.isClosed, true);
  assert.deepEqual(batcher.counts, { sent: 0, lost: MAX_BATCH + 5 });
});
