import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { compress, uncompress } from "@narthex/encoding";
import { QueryError } from "@narthex/promql";
import type { QueryService } from "../../query/query-service.ts";
import type { StorageRequest } from "../../query/request.ts";
import type { AnswerOutput } from "../../query/worker-pool.ts";
import { type Answered, encodeProto, fakeCall } from "../proto-fixture.ts";
import { ReadHandler } from "./read-handler.ts";

type Run = (request: StorageRequest, output: AnswerOutput) => Promise<void>;

function handlerOf(run: Run, concurrency = 0): (body: Uint8Array) => Promise<Answered> {
  const handler = new ReadHandler({
    queries: () => ({ run }) as unknown as QueryService,
    externalLabels: () => ["dc", "x"],
    sampleLimit: 5,
    concurrency,
    maxFrameBytes: 100,
    registry: new Registry(),
  });
  return (body) => {
    const { call, answered } = fakeCall(body);
    void handler.handle(call);
    return answered;
  };
}

const write: Run = async (_request, output) => {
  void output.write(Uint8Array.of(1, 2, 3));
};

function request(types: readonly number[], matchers: readonly object[] = []): Uint8Array {
  return compress(
    encodeProto("ReadRequest", { queries: [{ start: 1, end: 2, matchers }], accepted_response_types: types }),
  );
}

test("remote read: the first type that is known decides the form, none at all means samples", async () => {
  const asked: StorageRequest[] = [];
  const send = handlerOf(async (one, output) => {
    asked.push(one);
    await write(one, output);
  });
  for (const types of [[], [7, 0, 1], [1, 0]]) assert.equal((await send(request(types))).status, 200);
  assert.deepEqual(
    asked.map((one) => one.kind === "remoteRead" && one.form),
    ["samples", "samples", "chunks"],
  );
  const samples = await send(request([]));
  assert.equal(samples.headers["content-type"], "application/x-protobuf");
  assert.equal(samples.headers["content-encoding"], "snappy");
  const chunks = await send(request([1]));
  assert.equal(chunks.headers["content-type"], "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse");
  assert.equal(chunks.headers["content-encoding"], undefined);
  assert.deepEqual([...chunks.body], [1, 2, 3]);
});

test("remote read: refusals, in the reference's words", async () => {
  const send = handlerOf(write);
  const ask = async (body: Uint8Array): Promise<string> => {
    const { status, body: answer } = await send(body);
    return `${status} ${answer}`.trim();
  };
  assert.equal(await ask(Uint8Array.of(0x80)), "400 snappy: corrupt input");
  assert.equal(await ask(compress(Uint8Array.of(0x0a, 9))), "400 unexpected EOF");
  assert.equal(
    await ask(request([5])),
    "400 server does not support any of the requested response types: [5]; supported: map[SAMPLES:{} STREAMED_XOR_CHUNKS:{}]",
  );
  assert.match(
    await ask(request([], [{ type: 2, name: "a", value: "(" }])),
    /^500 error parsing regexp: missing closing/,
  );
  const limited = handlerOf(async () => {
    throw new QueryError("bad_data", "exceeded sample limit (5)");
  });
  const { status, body, headers } = await limited(request([]));
  assert.equal(`${status} ${body}`, "400 exceeded sample limit (5)\n");
  assert.equal(headers["content-encoding"], undefined);
});

test("remote read: no more at once than allowed, the others wait", async () => {
  let running = 0;
  let most = 0;
  const send = handlerOf(async (one, output) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setImmediate(resolve));
    running--;
    await write(one, output);
  }, 2);
  const answers = await Promise.all(Array.from({ length: 6 }, () => send(request([]))));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200, 200],
  );
  assert.equal(most, 2);
});

test("remote read: damaged requests are refused or read, whatever their bytes", async () => {
  const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 2 ** 32) * below);
  };
  const sound = uncompress(request([1, 0], [{ type: 2, name: "job", value: "a|b" }]), 1 << 20);
  const send = handlerOf(write);
  for (let i = 0; i < 2000; i++) {
    const bytes = Uint8Array.from(sound);
    for (let hits = 1 + random(4); hits > 0; hits--) bytes[random(bytes.length)] = random(256);
    const { status, body } = await send(compress(bytes.subarray(0, 1 + random(bytes.length))));
    assert.ok([200, 400, 500].includes(status), `FUZZ_SEED=${seed}, case ${i}: ${status} ${body}`);
  }
});
