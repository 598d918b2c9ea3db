import assert from "node:assert/strict";
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { ConfigUrl } from "@narthex/toolkit";
import type { WebhookOutputConfig } from "../config/event-recorder.ts";
import { CLOSE_LIMIT_MS } from "./event-output.ts";
import { eventOf, OutputRig, PLAIN } from "./testing.ts";
import { WebhookOutput, webhookName } from "./webhook-output.ts";

interface Asked {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly response: ServerResponse;
}

/** A webhook on loopback that answers when it is told to, or by `answer` at once. */
class Hook {
  readonly asked: Asked[] = [];
  answer: ((asked: Asked) => void) | undefined = ({ response }) => response.end();
  readonly #server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const asked = { headers: request.headers, body: Buffer.concat(parts).toString(), response };
    this.asked.push(asked);
    this.answer?.(asked);
  });

  static async start(t: TestContext): Promise<Hook> {
    const hook = new Hook();
    await new Promise<void>((resolve) => hook.#server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      hook.#server.close();
      hook.#server.closeAllConnections();
    });
    return hook;
  }

  output(rig: OutputRig, more: Partial<WebhookOutputConfig> = {}): WebhookOutput {
    const { port } = this.#server.address() as AddressInfo;
    const url = new ConfigUrl(`http://user:secret@127.0.0.1:${port}/hook?token=secret`);
    return new WebhookOutput({ ...PLAIN, url, ...more }, rig);
  }

  get bodies(): string[] {
    return this.asked.map(({ body }) => body);
  }

  /** Turns the clock by `stepMs` until so many requests have come. */
  async until(count: number, rig: OutputRig, stepMs: number = 0): Promise<void> {
    await eventually(() => this.asked.length >= count, rig, stepMs);
    assert.equal(this.asked.length, count);
  }
}

/** The network takes its own time: 10 seconds of it are enough for everybody. */
async function eventually(holds: () => boolean | Promise<boolean>, rig: OutputRig, stepMs: number = 0): Promise<void> {
  for (const end = performance.now() + 10_000; !(await holds()); ) {
    assert.ok(performance.now() < end, "it did not come true");
    await rig.clock.turn(stepMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const count = async (rig: OutputRig, name: string): Promise<number> => {
  const line = (await rig.counted()).find((each) => each.startsWith(name) || each.includes(`result="${name}"`));
  return Number(line?.split(" ").at(-1) ?? 0);
};

test("webhook: each event is posted by itself, by so many workers at a time", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  hook.answer = undefined;
  const output = hook.output(rig, { workers: 2 });
  for (const n of [1, 2, 3]) output.send(eventOf(n));
  await hook.until(2, rig);
  await rig.clock.turn(1000);
  assert.deepEqual(hook.bodies.sort(), ['"1"', '"2"']);
  hook.asked[0]?.response.end();
  await hook.until(3, rig);
  for (const { response } of hook.asked) response.end();
  await output.close();
  assert.equal(hook.asked[0]?.headers["content-type"], "application/json");
  assert.equal(hook.asked[0]?.headers.authorization, `Basic ${Buffer.from("user:secret").toString("base64")}`);
  assert.equal(await count(rig, "success"), 3);
  assert.ok(!(await rig.counted()).join().includes("secret"));
});

test("webhook: what fails is tried again after half a second, then after a second, and then given up", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  hook.answer = ({ response }) => response.writeHead(503).end();
  const output = hook.output(rig);
  output.send(eventOf(1));
  await hook.until(1, rig);
  const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
  await settled();
  await rig.clock.turn(499);
  assert.equal(hook.asked.length, 1);
  await rig.clock.turn(1);
  await hook.until(2, rig);
  await settled();
  await rig.clock.turn(999);
  assert.equal(hook.asked.length, 2);
  await rig.clock.turn(1);
  await eventually(async () => (await count(rig, "error")) === 1, rig);
  assert.equal(hook.asked.length, 3);
  assert.match(
    rig.logged.join(),
    /^Posting events failed, they are lost output=webhook:http:\/\/127\.0\.0\.1:\d+\/hook events=1 attempts=3 err=the answer was 503$/,
  );
  await output.close();
});

test("webhook: who does not answer in time has not got it", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  hook.answer = undefined;
  const output = hook.output(rig, { timeout: 2000, maxRetries: 1 });
  output.send(eventOf(1));
  await hook.until(1, rig);
  await rig.clock.turn(1999);
  assert.deepEqual(rig.logged, []);
  await rig.clock.turn(1);
  await eventually(async () => (await count(rig, "error")) === 1, rig);
  assert.match(rig.logged.join(), /context deadline exceeded/);
  await output.close();
});

test("webhook: batches are full, or have waited long enough", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  const output = hook.output(rig, { batch: true, batchMaxEvents: 3, workers: 1 });
  for (const n of [1, 2, 3, 4]) output.send(eventOf(n));
  await hook.until(1, rig);
  await rig.clock.turn(99);
  output.send(eventOf(5));
  assert.deepEqual(hook.bodies, ['["1","2","3"]']);
  await rig.clock.turn(1);
  await hook.until(2, rig);
  assert.equal(hook.bodies[1], '["4","5"]');
  await eventually(async () => (await count(rig, "success")) === 5, rig);
  output.send(eventOf(6));
  await output.close();
  assert.equal(hook.bodies[2], '["6"]', "the end waits for nothing");
});

test("webhook: batches keep to their size, and one event that is larger goes alone", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  const output = hook.output(rig, { batch: true, batchMaxBytes: 25, workers: 1 });
  for (const bytes of [10, 10, 11, 40, 3, 3]) output.send(eventOf(0, bytes));
  await output.close();
  assert.deepEqual(
    hook.bodies.map((body) => body.length),
    [23, 13, 42, 9],
  );
});

test("webhook: a batch that failed is sent again as it was", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  hook.answer = ({ response }) => response.writeHead(hook.asked.length === 1 ? 500 : 200).end();
  const output = hook.output(rig, { batch: true });
  for (const n of [1, 2]) output.send(eventOf(n));
  await hook.until(2, rig, 100);
  await output.close();
  assert.deepEqual(hook.bodies, ['["1","2"]', '["1","2"]']);
  assert.equal(await count(rig, "success"), 2);
});

test("webhook: while nothing gets through a bounded number waits, the rest is dropped, and the end comes all the same", async (t) => {
  const rig = new OutputRig();
  const hook = await Hook.start(t);
  hook.answer = undefined;
  const output = hook.output(rig, { timeout: 3_600_000, workers: 4 });
  for (let n = 0; n < 4 + 1024 + 7; n++) output.send(eventOf(n));
  assert.equal(await count(rig, "event_output_drops_total"), 7);
  await hook.until(4, rig);
  const closing = output.close();
  await rig.clock.turn(CLOSE_LIMIT_MS);
  await closing;
  assert.equal(await count(rig, "event_output_drops_total"), 7 + 1024);
  await eventually(async () => (await count(rig, "error")) === 4, rig);
});

test("webhook: its name has nothing in it that may be secret", () => {
  const names = [
    ["http://a:b@h:1/p/q?t=s#f", "webhook:http://h:1/p/q"],
    ["https://h", "webhook:https://h"],
    ["https://h/", "webhook:https://h/"],
    ["nothing", "webhook:<invalid>"],
  ] as const;
  for (const [address, name] of names) assert.equal(webhookName(address), name);
});
