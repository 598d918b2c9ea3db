import assert from "node:assert/strict";
import { test } from "node:test";
import { goDuration } from "./go-duration.ts";
import { createLogger, type LoggerOptions } from "./logger.ts";

const EPOCH = Date.parse("2026-11-20T13:07:54.690Z");

function capture(options: LoggerOptions = {}): { lines: string[]; logger: ReturnType<typeof createLogger> } {
  const lines: string[] = [];
  return {
    lines,
    logger: createLogger({ now: () => EPOCH, write: (line) => lines.push(line), source: false, ...options }),
  };
}

test("logger: a logfmt line carries time, level, message and attributes in order", () => {
  const { lines, logger } = capture();
  logger
    .with({ component: "rule manager" })
    .info("Server is ready", { duration: goDuration(0.001412), n: 3, off: undefined });
  assert.deepEqual(lines, [
    'time=2026-11-20T13:07:54.690Z level=INFO msg="Server is ready" component="rule manager" duration=1.412µs n=3\n',
  ]);
});

test("logger: logfmt quotes only what a reader could misread", () => {
  const { lines, logger } = capture();
  logger.warn("x", {
    a: "",
    b: "a=b",
    c: 'say "hi"',
    d: "back\\slash",
    e: "é",
    f: "a\nb\x01",
    g: ["x", "y"],
    h: new Error("no"),
  });
  assert.equal(
    lines[0],
    'time=2026-11-20T13:07:54.690Z level=WARN msg=x a="" b="a=b" c="say \\"hi\\"" d=back\\slash e=é f="a\\nb\\x01" g="[x y]" h=no\n',
  );
});

test("logger: a JSON line is one object with the same keys in the same order", () => {
  const { lines, logger } = capture({ format: "json" });
  logger.with({ component: "tsdb" }).error("bad", { err: new Error("disk full"), time: "shadow", big: 12n });
  assert.equal(
    lines[0],
    '{"time":"2026-11-20T13:07:54.69Z","level":"ERROR","msg":"bad","component":"tsdb","err":"disk full","logged_time":"shadow","big":12}\n',
  );
});

test("logger: lines below the level are not written", () => {
  const { lines, logger } = capture({ level: "warn" });
  logger.debug("a");
  logger.info("b");
  logger.warn("c");
  assert.equal(lines.length, 1);
  assert.equal(logger.isEnabled("info"), false);
  assert.equal(logger.isEnabled("error"), true);
});

test("logger: the source is the caller's file and line as written, not as compiled", () => {
  const { lines, logger } = capture({ source: true });
  logger.info("here");
  assert.match(lines[0] ?? "", / source=logger\.test\.ts:\d+ msg=here\n$/);
});

test("durations in logs: the largest fitting unit, hours to seconds above a second", () => {
  const written = [0, 0.000001, 0.0015, 35.2, 1000, 90_000, 3_600_000, 5_461_500, -1500].map(goDuration);
  assert.deepEqual(written, ["0s", "1ns", "1.5µs", "35.2ms", "1s", "1m30s", "1h0m0s", "1h31m1.5s", "-1.5s"]);
});
