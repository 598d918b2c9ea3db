import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Counter, Gauge } from "@narthex/client";
import { QueryLog, type QueryRecord } from "./query-log.ts";

const record: QueryRecord = {
  expr: "up",
  startMs: 0,
  endMs: 0,
  stepMs: 0,
  origin: { kind: "rule", file: "rules.yml", group: "g" },
  timings: {
    queueSeconds: 0.1 + 0.2,
    totalSeconds: 1,
    preparationSeconds: 0,
    evaluationSeconds: 0,
    sortSeconds: 0,
  },
  samples: 3,
  samplesRead: 1,
  peakSamples: 2,
  error: undefined,
};

function makeLog(): { log: QueryLog; enabled: Gauge; failures: Counter } {
  const enabled = new Gauge({ name: "enabled", help: "h", registers: [] });
  const failures = new Counter({ name: "failures", help: "h", registers: [] });
  return { log: new QueryLog(enabled, failures), enabled, failures };
}

test("query log: lines go to the file that is open, also after it was rotated and opened anew", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-query-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "q.log");
  const { log, enabled } = makeLog();
  log.write(record);
  log.open(path);
  assert.equal(enabled.value, 1);
  log.write(record);
  renameSync(path, `${path}.1`);
  log.open(path);
  log.write({ ...record, expr: "down", error: "query timed out" });
  await log.close();
  const [first] = readFileSync(`${path}.1`, "utf8").trim().split("\n");
  const line = JSON.parse(first ?? "") as Record<string, Record<string, unknown>>;
  assert.deepEqual(line["ruleGroup"], { file: "rules.yml", name: "g" });
  assert.deepEqual(line["params"], {
    end: "1970-01-01T00:00:00.000Z",
    query: "up",
    start: "1970-01-01T00:00:00.000Z",
    step: 0,
  });
  const stats = line["stats"] as Record<string, Record<string, number>>;
  assert.deepEqual(stats["samples"], { totalQueryableSamples: 3, samplesRead: 1, peakSamples: 2 });
  assert.equal(stats["timings"]?.["execQueueTime"], 0.3);
  const second = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  assert.equal(second["error"], "query timed out");
});

test("query log: a file that cannot be opened is refused, and the one before goes on", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-query-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { log, enabled } = makeLog();
  log.open(join(folder, "q.log"));
  assert.throws(() => log.open(join(folder, "none/q.log")), /ENOENT/);
  log.write(record);
  log.open("");
  assert.equal(enabled.value, 0);
  await log.close();
});

test("query log: a disk that takes nothing loses lines, which are counted, and never holds a query up", {
  skip: existsSync("/dev/full") ? false : "there is no /dev/full here",
}, async () => {
  const { log, failures } = makeLog();
  log.open("/dev/full");
  log.write(record);
  await new Promise((resolve) => setTimeout(resolve, 50));
  log.write(record);
  assert.equal(failures.value, 2);
  await log.close();
});

test("query log: lines that wait for a slow disk are bounded", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-query-log-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { log, failures } = makeLog();
  log.open(join(folder, "q.log"));
  const long = { ...record, expr: "x".repeat(1 << 20) };
  // All in one turn: nothing can be written meanwhile.
  for (let i = 0; i < 10; i++) log.write(long);
  assert.equal(failures.value, 6);
  await log.close();
});
