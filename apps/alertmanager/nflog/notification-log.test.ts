import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { lonePeer } from "../cluster/peer.ts";
import { framed } from "../state/state-file.ts";
import { HandClock } from "../testing.ts";
import { NotificationLog } from "./notification-log.ts";

const RECEIVER = { groupName: "a", integration: "webhook", index: 0 };
/** An entry without its receiver: sound bytes, and nothing that could be remembered. */
const NONSENSE = Uint8Array.of(0x0a, 0x04, 0x0a, 0x02, 0x7b, 0x7d);

// It was taken for damage: all that followed was set aside, and everybody there was told anew.
test("notification log: a record that says nothing keeps no other away", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-nflog-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "nflog");
  const clock = new HandClock();
  const open = (): NotificationLog =>
    new NotificationLog({
      file,
      retentionMs: 60_000,
      clock,
      peer: lonePeer,
      logger: silentLogger,
      registry: new Registry(),
    });
  const log = async (groupKey: string): Promise<void> => {
    const first = open();
    await first.load();
    await first.log({ receiver: RECEIVER, groupKey, firing: [1n], resolved: [], data: new Map(), expiryMs: 0 });
  };
  await log("{}:{}");
  appendFileSync(file, framed(NONSENSE));
  await log("{}:{i=1}");
  const second = open();
  assert.deepEqual(await second.load(), { records: 3, damagedBytes: 0, setAside: undefined });
  for (const groupKey of ["{}:{}", "{}:{i=1}"]) assert.deepEqual(second.find(groupKey, RECEIVER)?.firing, [1n]);
  // Bytes that are no record are damage, as ever.
  appendFileSync(file, framed(Uint8Array.of(0x0a, 0xff)));
  assert.equal((await open().load()).damagedBytes, 3);
});
