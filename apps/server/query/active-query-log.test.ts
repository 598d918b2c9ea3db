import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger } from "@narthex/toolkit";
import { ActiveQueryLog } from "./active-query-log.ts";

test("active query log: what did not finish is named by the next start, what did is not", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-queries-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const lines: string[] = [];
  const logger = createLogger({ write: (line: string) => void lines.push(line) });
  const first = new ActiveQueryLog(folder, 3, logger);
  const done = first.insert("up", 5_000);
  first.insert('rate(x{a="b"}[5m])', 7_500);
  first.insert("ä".repeat(2000), 7_500);
  first.remove(done);
  first.close();
  const bytes = readFileSync(join(folder, "queries.active"));
  assert.equal(bytes.length, 3001);
  assert.equal(bytes[0], "[".charCodeAt(0));

  assert.deepEqual(lines, []);
  new ActiveQueryLog(folder, 3, logger).close();
  assert.equal(lines.length, 1);
  assert.match(lines[0] as string, /These queries didn't finish in prometheus' last run:/);
  assert.match(lines[0] as string, /rate\(x/);
  assert.doesNotMatch(lines[0] as string, /\\"up\\"/);
});

test("active query log: more queries than slots are run without a slot", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-queries-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const log = new ActiveQueryLog(folder, 1, createLogger({ write: () => undefined }));
  assert.equal(log.insert("a", 0), 0);
  assert.equal(log.insert("b", 0), -1);
  log.remove(-1);
  log.remove(0);
  assert.equal(log.insert("c", 0), 0);
  log.close();
});
