import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Labels } from "@narthex/model";
import { parseClassicMatchers } from "../matcher/classic-parser.ts";
import { Moment } from "../moment/moment.ts";
import { Rig } from "../testing-rig.ts";
import { Silencer } from "./silencer.ts";

const RIG = "{route: {receiver: a}, receivers: [{name: a}]}";

/** Bytes in use once what nobody can reach is gone. */
function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  return process.memoryUsage().heapUsed;
}

test("silencer: what fits an alert is found again after silences have changed", async () => {
  const { silences, clock } = new Rig(RIG);
  const silencer = new Silencer(silences, clock);
  const labels = Labels.fromObject({ a: "b" });
  assert.deepEqual(silencer.silencedBy(labels), []);
  const startsAt = Moment.fromMs(clock.now());
  const id = await silences.set({
    id: "",
    matcherSets: [parseClassicMatchers("a=b")],
    startsAt,
    endsAt: startsAt.plusMs(100_000),
    updatedAt: startsAt,
    createdBy: "me",
    comment: "c",
    annotations: new Map(),
  });
  assert.deepEqual(silencer.silencedBy(labels), [id]);
  await clock.turn(1);
  await silences.expire(id);
  await clock.turn(1);
  assert.deepEqual(silencer.silencedBy(labels), []);
});

// It kept an entry for every fingerprint that it was ever asked about: alerts long over, and labels that somebody made up.
test("silencer: nothing is kept of labels that nobody holds any more", () => {
  const { silences, clock } = new Rig(RIG);
  const silencer = new Silencer(silences, clock);
  const ask = (i: number): unknown => silencer.silencedBy(Labels.fromObject({ i: String(i) }));
  for (let i = 0; i < 1000; i++) ask(i);
  const before = usedBytes();
  for (let i = 0; i < 100_000; i++) ask(i);
  const kept = usedBytes() - before;
  assert.ok(kept < 3_000_000, `${kept} bytes are kept`);
});
