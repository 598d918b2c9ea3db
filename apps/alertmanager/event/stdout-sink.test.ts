import assert from "node:assert/strict";
import { test } from "node:test";
import { HandClock } from "../testing.ts";
import { stdoutSink } from "./stdout-sink.ts";

const full = (): Error => Object.assign(new Error("full"), { code: "EAGAIN" });

test("standard output: a pipe that is full for now is tried again, until the end", async () => {
  const clock = new HandClock();
  let text = "";
  const outcomes: (number | Error)[] = [full(), 2, full(), full(), 3];
  const sink = stdoutSink(clock, async (bytes) => {
    const outcome = outcomes.shift() ?? full();
    if (outcome instanceof Error) throw outcome;
    text += Buffer.from(bytes.subarray(0, outcome)).toString();
    return outcome;
  });
  const writing = sink.write(Buffer.from("1234\n"));
  await clock.turn(100);
  assert.deepEqual(await writing, { count: 5 });
  assert.equal(text, "1234\n");
  const hanging = sink.write(Buffer.from("1\n"));
  await clock.turn(100);
  await sink.close();
  await clock.turn(100);
  assert.equal((await hanging).error?.message, "full");
});

test("standard output: one that was closed is no reason to end", async () => {
  const sink = stdoutSink(new HandClock(), async () => {
    throw Object.assign(new Error("broken pipe"), { code: "EPIPE" });
  });
  const { count, error } = await sink.write(Buffer.from("1\n"));
  assert.deepEqual([count, error?.message], [0, "broken pipe"]);
});
