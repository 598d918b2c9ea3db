import assert from "node:assert/strict";
import { test } from "node:test";
import { Moment } from "../moment/moment.ts";
import { durationText, message, timestamp } from "./message.ts";

test("messages leave out what is the default, and keep the order of the rest", () => {
  const fields = { z: "a", a: "", b: 0, c: "0", d: false, e: [], f: undefined, g: {}, h: [""], i: true };
  assert.equal(JSON.stringify(message(fields)), '{"z":"a","g":{},"h":[""],"i":true}');
});

test("timestamps are in UTC, with as many digits as are needed, in threes", () => {
  const texts = [
    [new Moment(0, 0), "1970-01-01T00:00:00Z"],
    [new Moment(0, 120_000_000), "1970-01-01T00:00:00.120Z"],
    [new Moment(0, 120_000), "1970-01-01T00:00:00.000120Z"],
    [new Moment(0, 1), "1970-01-01T00:00:00.000000001Z"],
    [new Moment(0, 0, 120), "1970-01-01T00:00:00Z"],
    [Moment.zero, "0001-01-01T00:00:00Z"],
  ] as const;
  for (const [moment, text] of texts) assert.equal(timestamp(moment), text);
  assert.throws(() => timestamp(new Moment(1e12, 0)), /cannot be written as a timestamp/);
});

test("durations are seconds", () => {
  assert.deepEqual([14_400_000, 500, 1.5, 0].map(durationText), ["14400s", "0.500s", "0.001500s", "0s"]);
});
