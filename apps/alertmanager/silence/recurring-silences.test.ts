import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLogger } from "@narthex/toolkit";
import { GRAMMAR, Rig } from "../testing-rig.ts";
import { RECURRING, type RecurringSilence, RecurringSilences } from "./recurring-silences.ts";
import type { Silences } from "./silences.ts";

const WANTED = { matchers: '{job="x"}', timeIntervals: [{ years: ["2026"] }], createdBy: "me", comment: "c" };

interface Schedules {
  readonly rig: Rig;
  readonly file: string;
  open(silences?: Pick<Silences, "all" | "set" | "expire">): Promise<RecurringSilences>;
  entries(): RecurringSilence[];
}

/** Schedules whose file begins with `text`; none for undefined. */
function schedules(t: TestContext, text?: string): Schedules {
  const folder = mkdtempSync(join(tmpdir(), "narthex-recurring-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "recurring-silences.json");
  if (text !== undefined) writeFileSync(file, text);
  const rig = new Rig("{route: {receiver: a}, receivers: [{name: a}]}");
  return {
    rig,
    file,
    async open(silences = rig.silences) {
      const options = {
        file,
        silences: silences as Silences,
        clock: rig.clock,
        grammar: GRAMMAR,
        logger: silentLogger,
      };
      const recurring = new RecurringSilences(options);
      await recurring.start();
      return recurring;
    },
    entries: () => JSON.parse(readFileSync(file, "utf8")) as RecurringSilence[],
  };
}

// Reading stopped at the first entry that could not be used, and the next change wrote a file without it and without the rest.
test("recurring silences: an entry that cannot be used keeps no other away, and stays in the file", async (t) => {
  const good = { id: "good", ...WANTED };
  const bad = [{ id: "bad", ...WANTED, timeIntervals: [{ months: ["Brumaire"] }] }, null, { ...WANTED, id: 7 }];
  const { open, entries } = schedules(t, JSON.stringify([bad[0], good, bad[1], bad[2]]));
  const recurring = await open();
  assert.deepEqual(recurring.list(), [good]);
  const id = await recurring.add({ ...WANTED, comment: "d" });
  assert.deepEqual(entries(), [good, { ...WANTED, comment: "d", id }, ...bad]);
});

test("recurring silences: a file that is no list of them is set aside before it is written anew", async (t) => {
  for (const text of ["{", '{"id": "x"}']) {
    const { open, file, entries } = schedules(t, text);
    await (await open()).add(WANTED);
    assert.equal(entries().length, 1);
    const [aside = ""] = readdirSync(join(file, "..")).filter((name) => name.includes(".damaged-"));
    assert.equal(readFileSync(join(file, "..", aside), "utf8"), text);
  }
});

// What failed once, for want of room say, was taken for made, and the whole window went by without a silence.
test("recurring silences: one that could not be made is made later", async (t) => {
  const { open, rig } = schedules(t);
  let isFull = true;
  const recurring = await open({
    all: () => rig.silences.all(),
    expire: (id) => rig.silences.expire(id),
    set: (wanted) => (isFull ? Promise.reject(new Error("no room")) : rig.silences.set(wanted)),
  });
  const id = await recurring.add(WANTED);
  const made = (): (string | undefined)[] => [...rig.silences.all()].map((each) => each.annotations.get(RECURRING));
  assert.deepEqual(made(), []);
  isFull = false;
  await rig.turn(30);
  assert.deepEqual(made(), [id]);
  // One that somebody ends does not come back.
  for (const { id: silence } of rig.silences.all()) await rig.silences.expire(silence);
  await rig.turn(30);
  assert.equal(made().length, 1);
  recurring.stop();
});

test("recurring silences: one that could not be kept is not there", async (t) => {
  const { open, file } = schedules(t);
  const recurring = await open();
  rmSync(join(file, ".."), { recursive: true });
  writeFileSync(join(file, ".."), "no folder");
  await assert.rejects(recurring.add(WANTED));
  assert.deepEqual(recurring.list(), []);
});
