import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { lonePeer } from "../cluster/peer.ts";
import { parseClassicMatchers } from "../matcher/classic-parser.ts";
import { Moment } from "../moment/moment.ts";
import { framed } from "../state/state-file.ts";
import { HandClock } from "../testing.ts";
import { GRAMMAR } from "../testing-rig.ts";
import type { Silence } from "./silence.ts";
import { encodeSilence } from "./silence-format.ts";
import { SilenceMetrics } from "./silence-metrics.ts";
import { Silences } from "./silences.ts";

const clock = new HandClock();
const now = Moment.fromMs(clock.now());
const WANTED: Silence = {
  id: "",
  matcherSets: [parseClassicMatchers("a=b")],
  startsAt: now,
  endsAt: now.plusMs(100_000),
  updatedAt: now,
  createdBy: "me",
  comment: "c",
  annotations: new Map(),
};

function open(file?: string): Silences {
  const silences: Silences = new Silences({
    file,
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
}

const idsOf = (silences: Silences): string[] => [...silences.all()].map(({ id }) => id);

// Such a silence was kept, and every list of silences failed from then on, here and at all peers.
test("silences: a time that no answer could show is refused", async () => {
  const silences = open();
  for (const seconds of [253_402_300_800, 1e13, -62_135_596_801]) {
    const wrong = new Moment(seconds, 0);
    const endsAt = wrong.isBefore(now) ? WANTED.endsAt : wrong;
    await assert.rejects(
      silences.set({ ...WANTED, startsAt: wrong.isBefore(now) ? wrong : now, endsAt }),
      /invalid silence: (start|end) time must be within the years 1 to 9999/,
    );
  }
  assert.equal(silences.size, 0);
  const last = await silences.set({ ...WANTED, endsAt: new Moment(253_402_300_799, 999_999_999) });
  assert.equal(silences.get(last)?.endsAt.toRfc3339Millis(), "9999-12-31T23:59:59.999Z");
});

test("silences: one with such a time is left out of a file and of what a peer knows, the others are not", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-silences-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "silences");
  const far = new Moment(1e13, 0);
  const records = [
    { id: "first" },
    { id: "end", endsAt: far },
    { id: "start", startsAt: new Moment(-1e13, 0) },
    { id: "update", updatedAt: far },
    { id: "nanos", endsAt: new Moment(now.seconds + 100, 2 ** 31) },
    { id: "last", endsAt: new Moment(253_402_300_799, 0) },
  ].map((more) => {
    const silence = { ...WANTED, ...more };
    // What is forgotten later than can be said is no harm: nobody is shown that.
    return framed(encodeSilence({ silence, expiresAt: new Moment(253_402_300_799 + 86_400, 0) }));
  });
  writeFileSync(file, Buffer.concat(records));
  const fromFile = open(file);
  const { damagedBytes } = await fromFile.load();
  assert.equal(damagedBytes, 0);
  const fromPeer = open();
  fromPeer.merge(Buffer.concat(records));
  for (const silences of [fromFile, fromPeer]) assert.deepEqual(idsOf(silences), ["first", "last"]);
});
