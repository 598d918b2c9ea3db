import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { OverlayFs } from "./fs/overlay-fs.ts";
import { openReadOnly } from "./read-only-db.ts";

const RANGE = 60_000;
const START = RANGE * 1000;
const OPTIONS = { memoryBytes: 2 ** 26, blockRangeMs: RANGE, outOfOrderWindowMs: RANGE } as const;

async function fill(db: Db, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) {
    const appender = db.appender();
    const ref = appender.series(Labels.fromObject({ __name__: "m" }));
    appender.append(ref, START + i * 500, i);
    if (i % 10 === 9) appender.append(ref, START + i * 500 - 1200, i);
    appender.commit();
    if (i % 200 === 199) await db.compact();
  }
}

function count(db: Db): number {
  const querier = db.querier(0, 8.64e15);
  const set = querier.select([new Matcher("=", "__name__", "m")]);
  const samples = new SampleBuffer();
  for (let i = 0; i < set.count; i++) set.read(i, 0, 8.64e15, samples);
  querier.close();
  return samples.count;
}

/** All files of a directory with their times and contents. */
function picture(directory: string): string[] {
  const found: string[] = [];
  for (const name of readdirSync(directory, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(directory, name);
    const stat = statSync(path);
    const content = stat.isFile() ? createHash("sha1").update(readFileSync(path)).digest("hex") : "";
    found.push(`${name} ${stat.mtimeMs} ${content}`);
  }
  return found;
}

test("read-only: beside a writer, and after it was killed with a torn log, all is read and nothing changes on the disk", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-test-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const first = await Db.open({ ...OPTIONS, directory, maintenanceIntervalMs: 0 });
  await fill(first, 0, 650);
  await first.close();
  // From here on it compacts nothing, so that what changes on the disk is not its work.
  const writer = await Db.open({ ...OPTIONS, directory, maintenanceIntervalMs: 0 });
  await fill(writer, 650, 701);
  const expected = count(writer);
  writeFileSync(join(directory, "01ARZ3NDEKTSV4RRFFQ69G5FAV.tmp-for-creation"), "left over");
  const before = picture(directory);
  const reader = await openReadOnly({ ...OPTIONS, directory });
  assert.equal(count(reader), expected);
  assert.equal(reader.blocks.length, writer.blocks.length);
  // It may do whatever it wants.
  await fill(reader, 701, 900);
  await reader.compact();
  assert.ok(count(reader) > expected);
  await reader.close();
  assert.deepEqual(picture(directory), before);

  const segment = join(
    directory,
    "wal",
    readdirSync(join(directory, "wal"))
      .filter((name) => /^\d+$/.test(name))
      .at(-1)!,
  );
  truncateSync(segment, statSync(segment).size - 3);
  const torn = picture(directory);
  const again = await openReadOnly({ ...OPTIONS, directory });
  assert.equal(count(again), expected - 1);
  await again.close();
  assert.deepEqual(picture(directory), torn);
  await writer.close().catch(() => {});
});

test("read-only: no directory is an error, not a new one", async () => {
  const fs = new MemoryFs();
  await assert.rejects(openReadOnly({ ...OPTIONS, directory: "data", fs }), { code: "ENOENT" });
  assert.equal(fs.kind("data"), undefined);
});

test("overlay: what is done above shows above and not below", () => {
  const lower = new MemoryFs();
  const write = (path: string, text: string): void => {
    lower.mkdir(path.slice(0, path.lastIndexOf("/")));
    const file = lower.open(path, "replace");
    file.append(new TextEncoder().encode(text));
    file.close();
  };
  write("data/a/one", "first");
  write("data/a/two", "second");
  write("data/b/three", "third");
  const before = lower.clone();
  const fs = new OverlayFs(lower);
  const read = (path: string): string => {
    const file = fs.open(path, "read");
    const bytes = new Uint8Array(file.size());
    file.read(bytes, 0, bytes.length, 0);
    file.close();
    return new TextDecoder().decode(bytes);
  };
  fs.truncate("data/a/one", 3);
  assert.equal(read("data/a/one"), "fir");
  const appended = fs.open("data/a/two", "append");
  appended.append(new TextEncoder().encode("!"));
  appended.close();
  assert.equal(read("data/a/two"), "second!");
  fs.rename("data/b", "data/c");
  assert.deepEqual(fs.list("data"), ["a", "c"]);
  assert.equal(read("data/c/three"), "third");
  assert.equal(fs.kind("data/b/three"), undefined);
  fs.rename("data/c/three", "data/a/four");
  assert.deepEqual(fs.list("data/c"), []);
  assert.equal(read("data/a/four"), "third");
  fs.unlink("data/a/one");
  assert.deepEqual(fs.list("data/a"), ["four", "two"]);
  assert.throws(() => read("data/a/one"), { code: "ENOENT" });
  fs.open("data/a/one", "create").close();
  assert.equal(fs.size("data/a/one"), 0);
  assert.throws(() => fs.open("data/a/two", "create"), { code: "EEXIST" });
  assert.throws(() => fs.open("data/none/x", "create"), { code: "ENOENT" });
  fs.removeAll("data/a");
  assert.equal(fs.kind("data/a/two"), undefined);
  fs.mkdir("data/a");
  assert.deepEqual(fs.list("data/a"), []);
  assert.deepEqual(lower.files(), before.files());
  assert.equal(lower.size("data/a/one"), 5);
});
