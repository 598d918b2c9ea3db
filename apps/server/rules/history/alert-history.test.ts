import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Labels, Matcher } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { AlertHistory, type AlertHistoryOptions, type HistoryFilter } from "./alert-history.ts";
import { decodeRecord, encodeRecord, type HistoryRecord } from "./history-record.ts";

const DAY = 86_400_000;

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "narthex-history-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function opened(directory: string, options: Partial<AlertHistoryOptions> = {}): Promise<AlertHistory> {
  return AlertHistory.open({ directory, retentionMs: DAY, now: () => 10 * DAY, logger: silentLogger, ...options });
}

function step(t: number, name: string, more: Partial<HistoryRecord> = {}): HistoryRecord {
  const labels = Labels.fromObject({ alertname: name, job: 'a "b"\n✓' });
  return {
    t: 10 * DAY - 1000 + t,
    state: "firing",
    labels,
    value: 1.5,
    activeAt: 1,
    group: "g",
    file: "r.yml",
    ...more,
  };
}

const ALL: HistoryFilter = { matcherSets: [], states: new Set(), minTime: -Infinity, maxTime: Infinity, limit: 100 };

async function told(history: AlertHistory, filter: Partial<HistoryFilter> = {}): Promise<string> {
  const { records, truncated } = await history.query({ ...ALL, ...filter });
  const shown = records.map(({ t, labels }) => `${t - 10 * DAY + 1000}${labels.get("alertname")}`).join(" ");
  return truncated ? `${shown} …` : shown;
}

test("alert history: a record comes back as it went, whatever its value and labels are", () => {
  for (const value of [0, -1.5e-7, 1e21, Infinity, -Infinity, NaN]) {
    const line = encodeRecord(step(1, "A", { value }));
    assert.deepEqual(decodeRecord((line as Buffer).subarray(0, -1)), step(1, "A", { value }));
  }
  assert.equal(encodeRecord(step(1, "x".repeat(70_000))), undefined);
});

test("alert history: a line of which a byte changed is no record", () => {
  const line = (encodeRecord(step(1, "A")) as Buffer).subarray(0, -1);
  for (let i = 0; i < line.length; i++) {
    const damaged = Buffer.from(line);
    damaged[i] = (damaged[i] as number) ^ 1;
    assert.equal(decodeRecord(damaged), undefined, `byte ${i}`);
  }
});

test("alert history: newest first, by time, state and matchers, up to a limit", async (t) => {
  const history = await opened(folderOf(t));
  history.note(step(1, "A", { state: "pending" }));
  history.note(step(3, "A"));
  history.note(step(2, "B"));
  assert.equal(await told(history), "3A 2B 1A");
  assert.equal(await told(history, { limit: 2 }), "3A 2B …");
  assert.equal(await told(history, { states: new Set(["pending"]) }), "1A");
  assert.equal(await told(history, { matcherSets: [[new Matcher("=", "alertname", "B")]] }), "2B");
  assert.equal(await told(history, { minTime: 10 * DAY - 1000 + 2, maxTime: 10 * DAY - 1000 + 2 }), "2B");
  await history.close();
});

test("alert history: it is there after a restart; what was torn off the end is passed over, what follows is not", async (t) => {
  const folder = folderOf(t);
  const first = await opened(folder);
  for (let i = 1; i <= 3; i++) first.note(step(i, "A"));
  await first.close();
  const [name] = readdirSync(folder) as [string];
  const path = join(folder, name);
  truncateSync(path, readFileSync(path).length - 5);
  const second = await opened(folder);
  assert.equal(await told(second), "2A 1A");
  second.note(step(9, "B"));
  assert.equal(await told(second), "9B 2A 1A");
  await second.close();
  writeFileSync(path, Buffer.concat([Buffer.from("rubbish\n\0\xff\n"), readFileSync(path)]));
  appendFileSync(path, "more rubbish");
  const third = await opened(folder);
  assert.equal(await told(third), "9B 2A 1A");
  await third.close();
});

test("alert history: files are of bounded size and number; what is past retention is not told and goes", async (t) => {
  const folder = folderOf(t);
  let now = 10 * DAY;
  const history = await opened(folder, { segmentBytes: 400, maxBytes: 2000, now: () => now });
  for (let i = 1; i <= 40; i++) {
    history.note(step(i, "A"));
    await history.query(ALL);
  }
  assert.ok(readdirSync(folder).length <= 7);
  assert.match(await told(history, { limit: 3 }), /^40A 39A 38A …$/);
  now = 12 * DAY;
  assert.equal(await told(history), "");
  for (let i = 1; i <= 5; i++) {
    history.note(step(2 * DAY + i, "B"));
    await history.query(ALL);
  }
  assert.ok(readdirSync(folder).length <= 3);
  await history.close();
});

test("alert history: a disk that fails does not stop the alerts, and is tried again", async (t) => {
  const folder = join(folderOf(t), "deep");
  const history = await opened(folder);
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "a file in the way");
  history.note(step(1, "A"));
  assert.equal(await told(history), "");
  rmSync(folder);
  const { mkdirSync } = await import("node:fs");
  mkdirSync(folder);
  history.note(step(2, "A"));
  assert.equal(await told(history), "2A");
  await history.close();
});
