// Damaged remote read requests: whatever comes, there is an answer of 200 or 400 (500 for a broken pattern, as the
// reference has it), and nothing is asked that makes no sense.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { compress } from "@narthex/encoding";
import type { QueryService } from "../../query/query-service.ts";
import type { StorageRequest } from "../../query/request.ts";
import { encodeProto, fakeCall } from "../proto-fixture.ts";
import { compileMatchers } from "./read-answer.ts";
import { ReadHandler } from "./read-handler.ts";

const CASES = 5000;
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function randomFrom(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

test(`remote read: damaged requests (FUZZ_SEED=${SEED})`, async () => {
  const random = randomFrom(SEED);
  const asked: StorageRequest[] = [];
  const run = async (request: StorageRequest): Promise<void> => void asked.push(request);
  const handler = new ReadHandler({
    queries: () => ({ run }) as unknown as QueryService,
    externalLabels: () => ["dc", "x"],
    sampleLimit: 5,
    concurrency: 2,
    maxFrameBytes: 100,
    registry: new Registry(),
  });
  const patterns = ["a.*", "(", "[a-z]+", "a{1000}", "", "\\pL*"];
  const statuses = new Map<number, number>();
  for (let i = 0; i < CASES; i++) {
    const matchers = Array.from({ length: random(4) }, () => ({
      type: random(4),
      name: ["__name__", "job", "", "ü"][random(4)],
      value: patterns[random(patterns.length)],
    }));
    const queries = Array.from({ length: random(3) }, () => ({
      start: random(1000),
      end: random(1000),
      matchers,
      hints: { step_ms: random(10), func: "rate", start_ms: 0, end_ms: random(100) },
    }));
    const message = Uint8Array.from(encodeProto("ReadRequest", { queries, accepted_response_types: [random(3)] }));
    for (let d = random(4); d > 0 && message.length > 0; d--) message[random(message.length)] = random(256);
    let body = Uint8Array.from(compress(random(6) === 0 ? message.subarray(0, random(message.length + 1)) : message));
    if (random(6) === 0 && body.length > 0) body[random(body.length)] = random(256);
    if (random(20) === 0) body = body.subarray(0, random(body.length + 1));
    const { call, answered } = fakeCall(body);
    await handler.handle(call);
    const { status, body: text } = await answered;
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    const isPattern = status === 500 && /^error parsing regexp: /.test(text.toString());
    assert.ok(status === 200 || status === 400 || isPattern, `seed ${SEED}, case ${i}: status ${status}, ${text}`);
  }
  for (const request of asked) {
    assert.equal(request.kind, "remoteRead");
    if (request.kind !== "remoteRead") continue;
    for (const query of request.queries) {
      assert.ok(Number.isFinite(query.minTime) && Number.isFinite(query.maxTime));
      compileMatchers(query, request.externalLabels);
    }
  }
  assert.ok((statuses.get(200) ?? 0) > CASES / 20 && (statuses.get(400) ?? 0) > CASES / 20, String([...statuses]));
});
