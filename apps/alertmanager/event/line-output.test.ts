import assert from "node:assert/strict";
import { test } from "node:test";
import { CLOSE_LIMIT_MS } from "./event-output.ts";
import { LineOutput, type LineSink, type Written } from "./line-output.ts";
import { eventOf, OutputRig } from "./testing.ts";

/** Keeps what is written to it; `behave` decides how far each write comes. */
class FakeSink implements LineSink {
  readonly writes: string[] = [];
  reopened = 0;
  isClosed = false;
  behave: (bytes: Buffer) => Written | Promise<Written> = (bytes) => ({ count: bytes.length });

  async write(bytes: Buffer): Promise<Written> {
    this.writes.push(String(bytes));
    return this.behave(bytes);
  }

  reopen(): void {
    this.reopened++;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

test("line output: what comes at the same time is written together, and closing waits for it", async () => {
  const rig = new OutputRig();
  const sink = new FakeSink();
  const output = new LineOutput("file:x", sink, rig);
  for (const n of [1, 2, 3]) output.send(eventOf(n));
  await output.close();
  assert.deepEqual([sink.writes, sink.isClosed], [['"1"\n"2"\n"3"\n'], true]);
  assert.deepEqual(await rig.counted(), [
    'event_recorder_bytes_written_total{event_type="alert_created",output="file:x"} 12',
    'events_recorded_total{event_type="alert_created",output="file:x",result="success"} 3',
  ]);
});

test("line output: of a write that came half through, whole lines count as written; later ones are tried again", async () => {
  const rig = new OutputRig();
  const sink = new FakeSink();
  const output = new LineOutput("file:x", sink, rig);
  sink.behave = () => ({ count: 6, error: new Error("no space left") });
  for (const n of [1, 2, 3]) output.send(eventOf(n));
  await rig.clock.turn(1);
  sink.behave = (bytes) => ({ count: bytes.length });
  output.send(eventOf(4));
  await output.close();
  assert.equal(sink.writes[1], '"4"\n');
  assert.deepEqual(await rig.counted(), [
    'event_recorder_bytes_written_total{event_type="alert_created",output="file:x"} 8',
    'events_recorded_total{event_type="alert_created",output="file:x",result="success"} 2',
    'events_recorded_total{event_type="alert_created",output="file:x",result="error"} 2',
  ]);
  assert.deepEqual(rig.logged, ["Failed to write events output=file:x err=no space left"]);
});

test("line output: while a write hangs, a bounded number waits; the rest is dropped, counted, and said now and then", async () => {
  const rig = new OutputRig();
  const sink = new FakeSink();
  const output = new LineOutput("file:x", sink, rig);
  sink.behave = () => new Promise(() => {});
  output.send(eventOf(0));
  await rig.clock.turn(1);
  for (let n = 0; n < 32_768 + 5; n++) output.send(eventOf(n));
  await rig.clock.turn(10_000);
  output.send(eventOf("later"));
  assert.deepEqual(await rig.counted(), ['event_output_drops_total{output="file:x"} 6']);
  const message = "Too many events wait to be written, new ones are dropped output=file:x";
  assert.deepEqual(rig.logged, [message, `${message} not_logged=4`]);
});

test("line output: large events are bounded by their size, and written some at a time", async () => {
  const rig = new OutputRig();
  const sink = new FakeSink();
  const output = new LineOutput("file:x", sink, rig);
  for (let n = 0; n < 70; n++) output.send(eventOf(n, 500_000));
  await output.close();
  assert.equal(Math.max(...sink.writes.map(({ length }) => length)), 4_000_008);
  const written = sink.writes.join("").split("\n").length - 1;
  assert.equal(written, 67, "32 MiB");
  assert.ok((await rig.counted()).includes('event_output_drops_total{output="file:x"} 3'));
});

test("line output: a write that hangs does not hold up the end for ever", async () => {
  const rig = new OutputRig();
  const sink = new FakeSink();
  const output = new LineOutput("file:x", sink, rig);
  sink.behave = () => new Promise(() => {});
  output.send(eventOf(1));
  await rig.clock.turn(1);
  output.send(eventOf(2));
  let isClosed = false;
  const closing = output.close().then(() => {
    isClosed = true;
  });
  output.send(eventOf("after the end"));
  await rig.clock.turn(CLOSE_LIMIT_MS - 1);
  assert.equal(isClosed, false);
  await rig.clock.turn(1);
  await closing;
  assert.ok(sink.isClosed);
  assert.deepEqual(await rig.counted(), ['event_output_drops_total{output="file:x"} 2']);
});

test("line output: a reload has its file opened again", () => {
  const sink = new FakeSink();
  new LineOutput("file:x", sink, new OutputRig()).reloaded();
  assert.equal(sink.reopened, 1);
});
