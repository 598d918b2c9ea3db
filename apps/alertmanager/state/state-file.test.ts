import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { lonePeer } from "../cluster/peer.ts";
import { parseClassicMatchers } from "../matcher/classic-parser.ts";
import { Moment } from "../moment/moment.ts";
import { decodeEntry, encodeEntry } from "../nflog/entry.ts";
import { decodeSilence, encodeSilence } from "../silence/silence-format.ts";
import { SilenceMetrics } from "../silence/silence-metrics.ts";
import { Silences } from "../silence/silences.ts";
import { HandClock } from "../testing.ts";
import { GRAMMAR } from "../testing-rig.ts";
import { framed, readRecords, StateFile } from "./state-file.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

function scratch(t: { after(run: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "narthex-state-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);

async function recordsOf(path: string): Promise<string[]> {
  const found: string[] = [];
  await new StateFile(path, () => new Uint8Array()).load((record) => void found.push(Buffer.from(record).toString()));
  return found;
}

test("state file: what was acknowledged is there at once, with no end to the process", async (t) => {
  const path = join(scratch(t), "silences");
  const file = new StateFile(path, () => new Uint8Array());
  await file.load(() => {});
  await Promise.all(["a", "b", "c"].map((text) => file.append(bytes(text))));
  await file.append(bytes("d"));
  assert.deepEqual(await recordsOf(path), ["a", "b", "c", "d"]);
});

test("state file: a snapshot takes its place, and later records follow it", async (t) => {
  const path = join(scratch(t), "silences");
  const file = new StateFile(path, () => Buffer.concat([framed(bytes("whole"))]));
  await file.load(() => {});
  await file.append(bytes("a"));
  await file.compact();
  await file.append(bytes("b"));
  assert.deepEqual(await recordsOf(path), ["whole", "b"]);
  await file.close();
  assert.deepEqual(await recordsOf(path), ["whole"]);
});

test("state file: cut off anywhere, all whole records are read, and the rest is set aside", async (t) => {
  const folder = scratch(t);
  const whole = Buffer.concat(["first", "second", "third"].map((text) => framed(bytes(text))));
  for (let end = 0; end <= whole.length; end++) {
    const path = join(folder, `at-${end}`, "silences");
    await new StateFile(path, () => new Uint8Array()).load(() => {});
    writeFileSync(path, whole.subarray(0, end));
    const file = new StateFile(path, () => new Uint8Array());
    const found: string[] = [];
    const loaded = await file.load((record) => void found.push(Buffer.from(record).toString()));
    const complete = end >= 19 ? 3 : end >= 13 ? 2 : end >= 6 ? 1 : 0;
    assert.deepEqual(found, ["first", "second", "third"].slice(0, complete), `cut at ${end}`);
    if (loaded.setAside !== undefined) assert.equal(readFileSync(loaded.setAside).length, loaded.damagedBytes);
    await file.append(bytes("new"));
    assert.deepEqual(await recordsOf(path), [...found, "new"]);
  }
});

test(`state file: no bytes break the reader (SEED=${SEED})`, () => {
  let state = SEED;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const now = Moment.fromMs(1_700_000_000_000);
  const silence = encodeSilence({
    silence: {
      id: "id",
      matcherSets: [parseClassicMatchers("a=b,c=~d.*")],
      startsAt: now,
      endsAt: now.plusMs(1000),
      updatedAt: now,
      createdBy: "me",
      comment: "c",
      annotations: new Map([["k", "v"]]),
    },
    expiresAt: now,
  });
  const entry = encodeEntry({
    groupKey: "{}",
    receiver: { groupName: "r", integration: "webhook", index: 1 },
    timestamp: now,
    firing: [1n, 2n ** 64n - 1n],
    resolved: [3n],
    data: new Map<string, string | number | bigint>([
      ["a", "b"],
      ["n", 5n],
    ]),
    expiresAt: now,
  });
  for (const [sound, decode] of [
    [silence, decodeSilence],
    [entry, decodeEntry],
  ] as const) {
    const whole = Buffer.concat([framed(sound), framed(sound)]);
    for (let round = 0; round < 5000; round++) {
      const broken = Uint8Array.from(whole);
      for (let i = random(5); i >= 0; i--) broken[random(broken.length)] = random(256);
      const cut = broken.subarray(0, random(broken.length + 1));
      const { end } = readRecords(cut, (record) => void decode(record));
      assert.ok(end <= cut.length);
    }
    assert.equal(readRecords(whole, (record) => void decode(record)).end, whole.length);
  }
});

test("silences: changes are kept through a kill, and forgotten after the retention", async (t) => {
  const folder = scratch(t);
  const clock = new HandClock();
  const open = async (): Promise<Silences> => {
    const silences: Silences = new Silences({
      file: join(folder, "silences"),
      retentionMs: 60_000,
      maxSilences: 0,
      maxBytes: 0,
      logsChanges: false,
      clock,
      grammar: GRAMMAR,
      peer: lonePeer,
      logger: silentLogger,
      metrics: new SilenceMetrics(new Registry(), () => silences),
    });
    await silences.load();
    return silences;
  };
  const now = Moment.fromMs(clock.now());
  const wanted = {
    id: "",
    matcherSets: [parseClassicMatchers("a=b")],
    startsAt: now,
    endsAt: now.plusMs(100_000),
    updatedAt: now,
    createdBy: "me",
    comment: "c",
    annotations: new Map<string, string>(),
  };
  const first = await open();
  const kept = await first.set(wanted);
  const ended = await first.set({ ...wanted, comment: "d" });
  await first.expire(ended);
  await clock.turn(1);
  // Nothing was closed: this is what a kill leaves.
  const second = await open();
  assert.equal(second.countState("active"), 1);
  assert.equal(second.countState("expired"), 1);
  assert.equal(second.get(kept)?.comment, "c");

  const other = await open();
  other.merge(second.snapshot());
  await clock.turn(61_000);
  await second.maintain();
  assert.deepEqual(
    [...second.all()].map(({ id }) => id),
    [kept],
  );
  const third = await open();
  assert.deepEqual(
    [...third.all()].map(({ id }) => id),
    [kept],
  );
  assert.deepEqual(readdirSync(folder), ["silences"]);
});

test("silences: of two versions the newer one stays, whichever comes first", async () => {
  const clock = new HandClock();
  const make = (): Silences => {
    const silences: Silences = new Silences({
      file: undefined,
      retentionMs: 60_000,
      maxSilences: 0,
      maxBytes: 0,
      logsChanges: false,
      clock,
      grammar: GRAMMAR,
      peer: lonePeer,
      logger: silentLogger,
      metrics: new SilenceMetrics(new Registry(), () => silences),
    });
    return silences;
  };
  const [a, b] = [make(), make()];
  const now = Moment.fromMs(clock.now());
  const id = await a.set({
    id: "",
    matcherSets: [parseClassicMatchers("a=b")],
    startsAt: now,
    endsAt: now.plusMs(100_000),
    updatedAt: now,
    createdBy: "me",
    comment: "c",
    annotations: new Map(),
  });
  const older = a.snapshot();
  await clock.turn(1000);
  await a.expire(id);
  await clock.turn(1);
  const newer = a.snapshot();
  b.merge(newer);
  b.merge(older);
  assert.equal(b.countState("expired"), 1);
  a.merge(older);
  assert.equal(a.countState("expired"), 1);
  assert.throws(() => b.merge(newer.subarray(0, newer.length - 3)), /invalid state/);
  // A record that is not understood keeps no other away.
  const c = make();
  c.merge(Buffer.concat([framed(Uint8Array.of(0xff)), newer]));
  assert.equal(c.countState("expired"), 1);
});
