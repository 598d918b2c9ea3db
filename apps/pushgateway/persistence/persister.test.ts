import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createLogger, silentLogger } from "@narthex/toolkit";
import { MetricStore } from "../store/metric-store.ts";
import { PushRules } from "../store/push-rules.ts";
import { pushOf, shownBy } from "../testing.ts";
import { Persister } from "./persister.ts";

const PUSHES = [
  pushOf(
    { job: "x", path: "/a b", e: "" },
    '# HELP h Sizes.\n# TYPE h histogram\nh_bucket{le="1"} 1.5\nh_sum NaN\nh_count 2.5\n',
    { ttlMs: 5e12 },
  ),
  pushOf({ job: "y" }, '# TYPE s summary\ns{quantile="0.5"} +Inf\ns_count 3\nu{l="Π\\n"} -0\n'),
  pushOf({ job: "y" }, "u 1 5\n", { timeMs: 3000 }),
];

function newStore(): MetricStore {
  return new MetricStore({ own: [], checks: true, maxBytes: 1e9, rules: PushRules.none(), logger: silentLogger });
}

function folderOf(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "narthex-pushgateway-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function persisterOf(
  file: string,
  store: MetricStore,
  intervalMs: number = 3_600_000,
): { persister: Persister; log: string[] } {
  const log: string[] = [];
  const logger = createLogger({ write: (line) => void log.push(line), source: false });
  return { persister: new Persister({ file, intervalMs, store, logger }), log };
}

async function writtenFile(test: TestContext): Promise<{ file: string; shown: string[] }> {
  const file = join(folderOf(test), "gateway.data");
  const store = newStore();
  for (const push of PUSHES) store.write(push);
  await persisterOf(file, store).persister.close();
  return { file, shown: shownBy(store) };
}

test("persistence: what was kept at the end is there at the next start, times and failures included", async (t) => {
  const { file, shown } = await writtenFile(t);
  const store = newStore();
  const { persister, log } = persisterOf(file, store);
  persister.load();
  assert.deepEqual(shownBy(store), shown);
  assert.equal(store.earliestExpiryMs, 5e12 + 1000);
  assert.match(log.join(""), /metrics loaded.*groups=2/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("persistence: a missing file is fine", (t) => {
  const { persister, log } = persisterOf(join(folderOf(t), "none"), newStore());
  persister.load();
  assert.deepEqual(log, []);
});

test("persistence: at every cut and every changed byte, the groups before the damage are taken, and the file is set aside", async (t) => {
  const { file } = await writtenFile(t);
  const whole = readFileSync(file);
  for (let at = 0; at < whole.length; at += 3) {
    const damaged =
      at % 2 === 0
        ? whole.subarray(0, at)
        : Buffer.concat([whole.subarray(0, at), Buffer.from([(whole[at] as number) ^ 1]), whole.subarray(at + 1)]);
    const folder = folderOf(t);
    const copy = join(folder, "gateway.data");
    writeFileSync(copy, damaged);
    const store = newStore();
    const { persister, log } = persisterOf(copy, store);
    persister.load();
    assert.match(log.join(""), /level=ERROR msg="could not load all persisted metrics".*set_aside=/, `byte ${at}`);
    const [aside] = readdirSync(folder);
    assert.match(aside as string, /^gateway\.data\.corrupt-/);
    assert.deepEqual(readFileSync(join(folder, aside as string)), damaged);
    // What could be saved is written again at the end.
    await persister.close();
    const again = newStore();
    persisterOf(copy, again).persister.load();
    assert.equal(again.groupCount, store.groupCount);
  }
});

test("persistence: drafts of a killed process are removed, other files are not", async (t) => {
  const { file, shown } = await writtenFile(t);
  writeFileSync(`${file}.in_progress.12345`, "torn");
  writeFileSync(`${file}.mine`, "kept");
  const store = newStore();
  persisterOf(file, store).persister.load();
  assert.deepEqual(shownBy(store), shown);
  assert.deepEqual(readdirSync(join(file, "..")).sort(), ["gateway.data", "gateway.data.mine"]);
});

test("persistence: writes after the interval, and only what changed", async (t) => {
  const file = join(folderOf(t), "gateway.data");
  const store = newStore();
  const { persister, log } = persisterOf(file, store, 1);
  for (const push of PUSHES) {
    store.write(push);
    persister.changed();
  }
  while (!log.join("").includes("metrics persisted")) await new Promise((resolve) => setTimeout(resolve, 5));
  const { mtimeMs, ino } = statSync(file);
  await persister.close();
  assert.deepEqual([statSync(file).mtimeMs, statSync(file).ino], [mtimeMs, ino], "nothing changed since");
});

test("persistence: a folder that is not there is reported, and the end is not silent about it", async (t) => {
  const store = newStore();
  for (const push of PUSHES) store.write(push);
  const { persister } = persisterOf(join(folderOf(t), "no/such/file"), store);
  await assert.rejects(persister.close(), /ENOENT/);
});
