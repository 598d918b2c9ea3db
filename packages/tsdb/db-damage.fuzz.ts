// Damaged bytes in every kind of file of a data directory: the start succeeds, what is damaged is set aside and reported with its
// size, and the rest answers. NARTHEX_FUZZ_SEED repeats a run, NARTHEX_FUZZ_RUNS makes it longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { seeded } from "./block/block-fixture.ts";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import type { LogFields } from "./logger.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
/** Damages of each file kind. */
const runs = Number(process.env["NARTHEX_FUZZ_RUNS"] ?? 60);
const RANGE = 60_000;
const START = RANGE * 1000;

interface Line {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

function open(fs: MemoryFs, lines: Line[] = []): Promise<Db> {
  const log =
    (level: Line["level"]) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    blockRangeMs: RANGE,
    walSegmentBytes: 32 * 1024,
    outOfOrderWindowMs: RANGE,
    snapshotsChunks: true,
    logger: { debug: log("info"), info: log("info"), warn: log("warn"), error: log("error") },
  });
}

/** A directory with everything in it: blocks with tombstones, a checkpoint, segments, mapped chunks, late samples. */
async function everything(): Promise<MemoryFs> {
  const fs = new MemoryFs();
  const db = await open(fs);
  for (let i = 0; i < 400; i++) {
    const appender = db.appender();
    const t = START + i * 1000;
    for (let s = 0; s < 5; s++) {
      const labels = { __name__: "m", s: String(s), pad: String(s).repeat(40) };
      const ref = appender.series(Labels.fromObject(labels));
      appender.append(ref, t, i + s);
      if (i % 10 === 9) appender.append(ref, t - 4500, i);
    }
    const churn = { __name__: "churn", round: String(Math.floor(i / 20)), pad: "x".repeat(300) };
    appender.append(appender.series(Labels.fromObject(churn)), t, i);
    appender.commit();
    if (i % 100 === 89) await db.compact();
  }
  await db.delete(START, START + 30_000, [new Matcher("=", "s", "1")]);
  await db.delete(START + 390_000, START + 395_000, [new Matcher("=", "s", "1")]);
  db.maintain();
  return fs.clone();
}

/** How many samples of `m` are found; blocks whose chunks are damaged refuse, which is an answer, too. */
function read(db: Db): number {
  const querier = db.querier(0, 8.64e15);
  let count = 0;
  try {
    const set = querier.select([new Matcher("=", "__name__", "m")]);
    const buffer = new SampleBuffer();
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      try {
        set.read(i, 0, 8.64e15, buffer);
      } catch (error) {
        // Anything but a word about the damage is a defect.
        assert.match(
          (error as Error).name,
          /^(ChunkError|IndexError|BlockError|HeadChunkError)$/,
          (error as Error).stack,
        );
      }
      count += buffer.count;
    }
  } catch (error) {
    assert.match((error as Error).name, /^(ChunkError|IndexError|BlockError)$/, (error as Error).stack);
  }
  querier.close();
  return count;
}

function damage(fs: MemoryFs, path: string, random: () => number): string {
  const size = fs.size(path);
  const at = Math.floor(random() * size);
  const many = Math.min(size - at, 1 + Math.floor(random() * 200));
  switch (Math.floor(random() * 5)) {
    case 0: {
      const byte = Math.floor(random() * 256);
      fs.corrupt(path, at, byte);
      return `byte ${at} of ${size} becomes ${byte}`;
    }
    case 1:
      fs.truncate(path, at);
      return `${size} bytes are cut to ${at}`;
    case 2:
      for (let i = 0; i < many; i++) fs.corrupt(path, at + i, 0);
      return `${many} zeros from ${at} of ${size}`;
    case 3:
      for (let i = 0; i < many; i++) fs.corrupt(path, at + i, Math.floor(random() * 256));
      return `${many} random bytes from ${at} of ${size}`;
    default:
      fs.truncate(path, 0);
      return `${size} bytes are cut to none`;
  }
}

const kinds: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["meta.json", /\/meta\.json$/],
  ["index", /\/index$/],
  ["chunks", /\/chunks\/\d+$/],
  ["tombstones", /\/tombstones$/],
  ["WAL", /\/wal\/\d+$/],
  ["checkpoint", /\/checkpoint\.\d+\/\d+$/],
  ["WBL", /\/wbl\/\d+$/],
  ["chunks_head", /\/chunks_head\/\d+$/],
];

for (const [kind, pattern] of kinds) {
  test(`Db: damaged bytes in ${kind}: it starts, the rest answers, a second start finds order (seed ${seed})`, async () => {
    const whole = await everything();
    const paths = whole.files().filter((path) => pattern.test(`/${path}`) && whole.size(path) > 0);
    assert.ok(paths.length > 0, `no file of kind ${kind} in ${whole.files().join(", ")}`);
    const random = seeded(seed);
    for (let run = 0; run < runs; run++) {
      const fs = whole.clone();
      const path = paths[Math.floor(random() * paths.length)] as string;
      const what = `seed ${seed}, run ${run}, ${path}: ${damage(fs, path, random)}`;
      try {
        const lines: Line[] = [];
        const db = await open(fs, lines);
        read(db);
        for (const { level, message, fields } of lines) {
          if (level === "error" && /set aside|damaged/.test(message)) {
            assert.ok((fields["lost_bytes"] as number) >= 0, `${message} tells no size`);
          }
        }
        // It takes samples, compacts, closes, and starts again without complaints about what was repaired.
        const appender = db.appender();
        const ref = appender.series(Labels.fromObject({ __name__: "new" }));
        appender.append(ref, START + 600_000, 1);
        appender.commit();
        await db.close();
        const again = await open(fs);
        read(again);
        assert.equal(again.head.times.max, START + 600_000);
        await again.close();
      } catch (error) {
        throw new Error(`${what}\n${(error as Error).stack}`);
      }
    }
  });
}

for (const [kind, pattern] of [
  ["snapshot", /chunk_snapshot\.[\d.]+\/\d+$/],
  ["extras", /chunk_snapshot\.[\d.]+\/narthex\/\d+$/],
] as const) {
  test(`Db: damaged bytes in the ${kind} of open chunks: nothing is lost, the log has it all (seed ${seed})`, async () => {
    const whole = await everything();
    await (await open(whole)).close();
    const db = await open(whole.clone());
    const expected = read(db);
    await db.close();
    const paths = whole.files().filter((path) => pattern.test(path) && whole.size(path) > 0);
    assert.equal(paths.length, 1);
    const random = seeded(seed);
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const fs = whole.clone();
      const path = paths[0] as string;
      const what = `seed ${seed}, run ${run}, ${path}: ${damage(fs, path, random)}`;
      try {
        const lines: Line[] = [];
        const again = await open(fs, lines);
        assert.equal(read(again), expected);
        if (lines.some(({ message }) => /all of the log is replayed/.test(message))) refused++;
        const appender = again.appender();
        appender.append(appender.series(Labels.fromObject({ __name__: "new" })), START + 600_000, 1);
        appender.commit();
        // Killed, then closed.
        const third = await open(fs);
        assert.equal(read(third), expected);
        await third.close();
        const fourth = await open(fs);
        assert.equal(read(fourth), expected);
        await fourth.close();
      } catch (error) {
        throw new Error(`${what}\n${(error as Error).stack}`);
      }
    }
    assert.ok(refused > runs / 2, `${refused} of ${runs} were noticed`);
  });
}

test("Db: a damaged block is set aside under another name, told with its size, and the others answer", async () => {
  const fs = await everything();
  const db = await open(fs.clone());
  const before = read(db);
  const victim = db.blocks[1]?.path as string;
  const count = db.blocks.length;
  await db.close();
  fs.truncate(`${victim}/index`, 100);
  const lines: Line[] = [];
  const again = await open(fs, lines);
  const told = lines.find(({ message }) => message === "A damaged block was set aside");
  assert.equal(told?.fields["block"], victim);
  assert.equal(told?.fields["renamed_to"], `${victim}.corrupt`);
  assert.ok((told?.fields["lost_bytes"] as number) > 1000);
  assert.equal(fs.kind(`${victim}.corrupt/chunks`), "directory");
  assert.ok(read(again) > before / 2);
  assert.equal(again.blocks.length, count - 1);
  await again.close();
});

test("Db: a directory whose meta.json cannot be read is left as it is, and told", async () => {
  const fs = await everything();
  const path = fs.files().find((name) => name.endsWith("/meta.json")) as string;
  fs.truncate(path, 10);
  const lines: Line[] = [];
  const db = await open(fs, lines);
  assert.ok(lines.some(({ level, message }) => level === "error" && message.startsWith("Failed to open block")));
  assert.equal(fs.kind(path), "file");
  assert.ok(read(db) > 100);
  await db.close();
});
