// What every mechanism that asks a server holds to, whatever that server does. Each brings its own answers.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { until } from "../scrape/testing.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { type FakeAnswer, FakeApi, type FakeRequest, Rig, SILENCE } from "./testing.ts";

/** A mechanism under test. */
export interface ContractSubject {
  readonly name: string;
  /** Makes one that asks the server at `url`, and gives up on an answer after `CONTRACT_TIMEOUT_MS`. */
  make(url: string, context: DiscovererContext): Discoverer;
  /** What the server says when there are targets. */
  full(request: FakeRequest): FakeAnswer;
  /** What it says when there are none. */
  empty(request: FakeRequest): FakeAnswer;
  /** Addresses of the targets, sorted. */
  readonly addresses: readonly string[];
  /** After so much time it has asked again, also after a failure. */
  readonly againMs: number;
  /** Series that counts failures. */
  readonly failures: string;
  /** Texts of the configuration that no log may show. */
  readonly secrets: readonly string[];
  /** Requests that go on side by side, each with failures of its own. Standard: 1. */
  readonly questions?: number;
  /** Answers to be distorted. Standard: `full`. */
  distorted?(request: FakeRequest): FakeAnswer;
  /** Whether a JSON `null` in place of everything counts as an empty answer, as in the reference. Standard: true. */
  readonly nullIsEmpty?: boolean;
}

/** Real milliseconds. */
export const CONTRACT_TIMEOUT_MS = 400;

const ENDLESS: FakeAnswer = {
  act: (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const chunk = Buffer.alloc(1 << 20, " ");
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more);
    more();
  },
};

const SLOW: FakeAnswer = {
  act: (response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  },
};

function cut(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write("[");
  setTimeout(() => response.destroy(), 5);
}

const HOSTILE: readonly (readonly [string, FakeAnswer | ((request: FakeRequest) => FakeAnswer)])[] = [
  [
    "everything that was sent",
    ({ headers, body }) => ({
      status: 400,
      body: { error: "echo", error_description: `${JSON.stringify(headers)} ${body}` },
    }),
  ],
  ["no JSON", { body: "<html>" }],
  ["half a JSON text", { body: '{"items":[{"a' }],
  ["a number", { body: "42" }],
  ["a text", { body: '"x"' }],
  ["a list of lists", { body: [[[]]] }],
  ["a list of numbers", { body: [1, 2, 3] }],
  ["more values than any answer has", { body: `[${"{},".repeat(9_000_000)}{}]` }],
  ["deep nesting", { body: "[".repeat(200_000) }],
  ["not found", { status: 404, body: "nothing here" }],
  ["not allowed", { status: 403, body: { message: "no" } }],
  ["an unknown encoding", { headers: { "content-encoding": "br" }, body: "[]" }],
  ["a broken gzip body", { headers: { "content-encoding": "gzip" }, body: "[]" }],
  ["a body cut short", { act: cut }],
  ["a connection closed without a word", { act: (response) => response.destroy() }],
  ["a redirect to itself", { status: 302, headers: { location: "/again" } }],
  ["a redirect to nowhere", { status: 302, headers: { location: "file:///etc/passwd" } }],
  ["a body without end", ENDLESS],
  ["a body that trickles", SLOW],
  ["silence", SILENCE],
];

/** Runs the contract. */
export function testDiscoveryContract(subject: ContractSubject): void {
  const { name, addresses, againMs, questions = 1 } = subject;
  const begin = async () => {
    const api = await FakeApi.start((request) => subject.full(request));
    const rig = new Rig((context) => subject.make(api.url, context));
    await until(() => rig.addresses.length === addresses.length, "the first targets");
    return { api, rig };
  };
  const failures = async (rig: Rig): Promise<number> => (await rig.metric(subject.failures)) ?? 0;

  test(`${name}: targets are there at once; an empty answer takes them away, a full one brings them back`, async () => {
    const { api, rig } = await begin();
    assert.deepEqual(rig.addresses, addresses);
    for (const { labels, targets } of rig.groups.values()) {
      for (const key of [...labels.keys(), ...targets.flatMap((target) => [...target.keys()])]) {
        assert.match(key, /^[a-zA-Z_][a-zA-Z0-9_]*$/);
      }
    }
    api.answer = (request) => subject.empty(request);
    await again(rig, againMs, () => rig.addresses.length === 0);
    api.answer = (request) => subject.full(request);
    await again(rig, againMs, () => rig.addresses.length === addresses.length);
    assert.deepEqual(rig.errors, []);
    rig.discoverer.stop();
  });

  test(`${name}: a failure is logged once and counted, keeps the targets, and passes`, async () => {
    const { api, rig } = await begin();
    const counted = await failures(rig);
    api.answer = () => ({ status: 500, body: "out of order" });
    await again(rig, againMs, () => rig.errors.length >= questions);
    assert.equal(rig.errors.length, questions);
    assert.match(rig.errors[0] as string, /500 Internal Server Error/);
    assert.equal((await failures(rig)) - counted, questions);
    assert.deepEqual(rig.addresses, addresses);
    const asked = api.requests.length;
    api.answer = (request) => subject.full(request);
    await again(rig, againMs, () => api.requests.length > asked + questions);
    assert.equal(rig.errors.length, questions);
    assert.deepEqual(rig.addresses, addresses);
    rig.discoverer.stop();
  });

  test(`${name}: whatever the server answers, targets stay, memory too, and no secret is logged`, async () => {
    const { api, rig } = await begin();
    const held = heldBytes();
    for (const [what, answer] of HOSTILE) {
      const before = rig.errors.length;
      api.answer = typeof answer === "function" ? answer : () => answer;
      await again(rig, againMs, () => rig.errors.length > before, what);
      assert.deepEqual(rig.addresses, addresses, what);
      assert.ok(heldBytes() - held < 512 << 20, `${what}: ${heldBytes() - held} bytes more than before`);
    }
    if (subject.nullIsEmpty !== false) {
      api.answer = () => ({ body: "null" });
      await again(rig, againMs, () => rig.addresses.length === 0, "null");
    }
    api.answer = (request) => subject.full(request);
    await again(rig, againMs, () => rig.addresses.length === addresses.length, "recovery");
    for (const secret of subject.secrets) {
      assert.equal(rig.lines.filter((line) => line.includes(secret)).length, 0, `a log line shows ${secret}`);
    }
    rig.discoverer.stop();
  });

  test(`${name}: values of a wrong type anywhere are refused or read, and crash nothing`, async () => {
    const { api, rig } = await begin();
    const seed = Math.floor(Math.random() * 2 ** 31);
    const random = randomFrom(seed);
    let trouble: unknown;
    const onTrouble = (error: unknown): void => {
      trouble = error;
    };
    process.on("uncaughtException", onTrouble);
    process.on("unhandledRejection", onTrouble);
    for (let round = 0; round < 60; round++) {
      const before = api.requests.length;
      api.answer = (request) => {
        const answer = subject.distorted?.(request) ?? subject.full(request);
        return typeof answer.body === "object" ? { ...answer, body: mutated(answer.body, random) } : answer;
      };
      await again(rig, againMs, () => api.requests.length > before + 1, `seed ${seed}, round ${round}`);
    }
    for (const line of rig.errors) assert.doesNotMatch(line, /Cannot read prop|is not a function|is not iterable/);
    api.answer = (request) => subject.full(request);
    await again(rig, againMs, () => rig.addresses.join() === addresses.join(), "recovery");
    process.off("uncaughtException", onTrouble);
    process.off("unhandledRejection", onTrouble);
    assert.equal(trouble, undefined, `seed ${seed}`);
    rig.discoverer.stop();
  });

  test(`${name}: stop calls off what is under way, and nothing is emitted or logged afterwards`, async () => {
    const { api, rig } = await begin();
    api.answer = () => SILENCE;
    const asked = api.requests.length;
    await again(rig, againMs, () => api.requests.length > asked);
    const { emitted, errors } = rig;
    const count = emitted.length;
    rig.discoverer.stop();
    await until(() => api.abandoned > 0, "the request to be called off");
    rig.clock.pass(10 * againMs);
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.equal(emitted.length, count);
    assert.deepEqual(rig.errors, errors);
    rig.discoverer.stop();
  });

  test(`${name}: a stop before the first answer leaves nothing behind`, async () => {
    const api = await FakeApi.start(() => SILENCE);
    const rig = new Rig((context) => subject.make(api.url, context));
    await until(() => api.requests.length > 0, "the first request");
    rig.discoverer.stop();
    await until(() => api.abandoned > 0, "the request to be called off");
    assert.deepEqual([rig.emitted, rig.errors], [[], []]);
  });
}

/** The part that also holds for mechanisms without a server: targets at once, and silence after the end. */
export function testQuietAfterStop(
  name: string,
  begin: () => Promise<{ readonly rig: Rig; readonly disturb: () => void }>,
): void {
  test(`${name}: targets are there at once; after stop, whatever happens, nothing is emitted or logged`, async () => {
    const { rig, disturb } = await begin();
    await until(() => rig.emitted.length === 1 && rig.targets.length > 0, "the first targets");
    rig.discoverer.stop();
    const { length } = rig.lines;
    disturb();
    rig.clock.pass(3_600_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([rig.emitted.length, rig.lines.length], [1, length]);
    rig.discoverer.stop();
  });
}

function heldBytes(): number {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  return heapUsed + external + arrayBuffers;
}

/** Turns the clock until something is so. */
async function again(rig: Rig, againMs: number, condition: () => boolean, what = "the next answer"): Promise<void> {
  const end = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}\n${rig.lines.slice(-3).join("")}`);
    rig.clock.pass(againMs);
    for (let i = 0; i < 20 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const STRANGE: readonly unknown[] = [null, 0, -1.5, 1e300, true, "", "x", [], {}, [null], [[]], { a: null }, ["x", 1]];

/** A copy with one value somewhere replaced by a strange one. */
function mutated(value: unknown, random: () => number): unknown {
  const copy = structuredClone(value);
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const walk = (holder: unknown): void => {
    if (typeof holder !== "object" || holder === null) return;
    for (const key of Object.keys(holder)) {
      places.push([holder as Record<string, unknown>, key]);
      walk((holder as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  const place = places[Math.floor(random() * places.length)];
  const strange = STRANGE[Math.floor(random() * STRANGE.length)];
  if (place === undefined) return strange;
  place[0][place[1]] = strange;
  return copy;
}
