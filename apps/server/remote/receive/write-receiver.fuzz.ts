// Damaged requests: whatever comes, the receiver answers 204 or 400, and what is stored stays readable.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { compress } from "@narthex/encoding";
import { Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { createLogger } from "@narthex/toolkit";
import { encodeProto, fakeCall, labelList } from "../proto-fixture.ts";
import { WriteReceiver } from "./write-receiver.ts";

const NOW = 1_700_000_000_000;
const CASES = 4000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function generator(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

test(`remote write: damaged requests (FUZZ_SEED=${seed})`, async () => {
  const random = generator(seed);
  const histogram = {
    count_int: 4,
    sum: 3,
    schema: 1,
    zero_count_int: 1,
    positive_spans: [{ offset: -1, length: 2 }],
    positive_deltas: [2, -1],
  };
  const sound = (version: number, t: number): Uint8Array =>
    version === 1
      ? encodeProto("WriteRequest", {
          timeseries: Array.from({ length: 4 }, (_, i) => ({
            labels: labelList({ __name__: "m", i: String(random(20)), job: "api" }),
            samples: i === 3 ? [] : [{ value: random(100) / 7, timestamp: t }],
            histograms: i === 3 ? [{ ...histogram, timestamp: t }] : [],
            exemplars: [{ labels: labelList({ trace: "x" }), value: 1, timestamp: t }],
          })),
        })
      : encodeProto("RequestV2", {
          symbols: ["", "__name__", "m", "i", "job", "api", ...Array.from({ length: 20 }, (_, i) => String(i))],
          timeseries: Array.from({ length: 4 }, (_, i) => ({
            labels_refs: [1, 2, 3, 6 + random(20), 4, 5],
            samples: i === 3 ? [] : [{ value: random(100), timestamp: t, start_timestamp: t - 5 }],
            histograms: i === 3 ? [{ ...histogram, timestamp: t }] : [],
            exemplars: [{ labels_refs: [4, 5], value: 1, timestamp: t }],
            metadata: { type: 1, help_ref: 2 },
          })),
        });
  let storage = new MemoryStorage();
  const statuses = new Map<number, number>();
  const receiver = new WriteReceiver({
    keepsMetadata: true,
    enabled: true,
    acceptedMessages: ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"],
    appendable: () => storage,
    registry: new Registry(),
    logger: createLogger({ level: "error", format: "logfmt", write: () => {} }),
    now: () => NOW,
    seed,
  });
  for (let i = 0; i < CASES; i++) {
    // Another storage now and then: refs in the cache then stand for other series or none.
    if (i % 500 === 499) storage = new MemoryStorage();
    const version = 1 + random(2);
    let message = sound(version, NOW - CASES + i);
    for (let hits = random(4); hits > 0; hits--) {
      message = Uint8Array.from(message);
      if (random(4) === 0) message = message.subarray(0, random(message.length + 1));
      else if (message.length > 0) message[random(message.length)] = random(256);
    }
    let body = compress(message);
    if (random(5) === 0) {
      body = Uint8Array.from(body);
      body[random(body.length)] = random(256);
    }
    const type =
      version === 1 ? "application/x-protobuf" : "application/x-protobuf;proto=io.prometheus.write.v2.Request";
    const { call, answered } = fakeCall(body, { "content-type": type });
    receiver.handle(call);
    const { status, body: answer } = await answered;
    assert.ok(status === 204 || status === 400, `case ${i}: ${status} ${answer}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  assert.ok((statuses.get(204) ?? 0) > CASES / 10 && (statuses.get(400) ?? 0) > CASES / 10, String([...statuses]));
  const querier = storage.querier(-Infinity, Infinity);
  const set = querier.select([new Matcher("=~", "__name__", ".+")]);
  const buffer = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    buffer.clear();
    set.read(i, -Infinity, Infinity, buffer);
    for (let at = 1; at < buffer.count; at++) assert.ok(Number(buffer.times[at]) > Number(buffer.times[at - 1]));
  }
});
