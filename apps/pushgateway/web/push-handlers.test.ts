import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { silentLogger } from "@narthex/toolkit";
import { OwnMetrics } from "../own-metrics.ts";
import { BodyReader } from "../push/intake.ts";
import type { WriteVerdict } from "../store/metric-store.ts";
import { Exchange } from "./answer.ts";
import { PushHandlers } from "./push-handlers.ts";

const DONE: WriteVerdict = { outcome: "done", problems: [] };

interface Pushes {
  /** Pushes a text; resolves to the status of the answer. */
  push(text: string): Promise<number>;
  /** Settles the pushes that wait for their turn. */
  settle(verdict?: WriteVerdict): void;
  /** Resolves when so many wait. */
  waiting(count: number): Promise<void>;
}

async function pushes(t: TestContext, maxPendingBytes: number): Promise<Pushes> {
  const metrics = new OwnMetrics();
  let settlers: ((verdict: WriteVerdict) => void)[] = [];
  const handlers = new PushHandlers({
    bodies: new BodyReader({ maxBodyBytes: 1e6, maxPendingBytes }, "legacy"),
    submit: () => new Promise((resolve) => settlers.push(resolve)),
    keyRules: { scheme: "legacy", unescapes: false },
    checks: true,
    allowsTtl: false,
    metrics,
    logger: silentLogger,
    now: Date.now,
  });
  const target = { job: "j", isBase64: false, rest: "" };
  const server = createServer((request, response) => {
    void handlers.push(new Exchange(request, response), target, false);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    metrics.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    push: async (body) => (await fetch(url, { method: "POST", body })).status,
    settle(verdict = DONE) {
      for (const settle of settlers) settle(verdict);
      settlers = [];
    },
    async waiting(count) {
      for (const endMs = Date.now() + 10_000; settlers.length < count; ) {
        assert.ok(Date.now() < endMs, "too few pushes wait for their turn");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
  };
}

// What was read counted no longer once it was parsed: a thousand parsed pages could wait for the store, and nobody saw them.
test("pushes: what waits to be taken in counts against the memory that pushes may take", async (t) => {
  const { push, settle, waiting } = await pushes(t, 120_000);
  const page = Array.from({ length: 200 }, (_, i) => `m${i} 1\n`).join("");
  const first = push(page);
  await waiting(1);
  assert.equal(await push(page), 503);
  settle();
  assert.equal(await first, 200);
  for (const outcome of ["inconsistent", "done"] as const) {
    const next = push(page);
    await waiting(1);
    settle({ outcome, problems: ["no"] });
    assert.equal(await next, outcome === "done" ? 200 : 400);
  }
  // A body that cannot be read leaves nothing behind.
  for (let i = 0; i < 5; i++) assert.equal(await push(`${page}!`), 400);
  const last = push(page);
  await waiting(1);
  settle();
  assert.equal(await last, 200);
});
