// Damaged requests of both forms: whatever comes, there is an answer soon, and what is stored stays readable.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { WireWriter } from "@narthex/encoding";
import { writeJsonRequest } from "./json-request.ts";
import { attributes, decodeRequest, encodeRequest, nanoseconds, OtlpRig } from "./testing.ts";

const CASES = 3000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const STRATEGIES = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
];

function generator(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

/** A request without fault, of all kinds of metrics, of a second after the clock's time. */
function soundRequest(random: Random, second = 0): object {
  const common = (): object => ({
    timeUnixNano: nanoseconds(second * 1000 + random(999)),
    startTimeUnixNano: nanoseconds(-random(100_000)),
    attributes: attributes({ [`k.${random(3)}`]: `v${random(5)}`, host: "a" }),
    flags: random(10) === 0 ? 1 : 0,
  });
  const exemplars = [{ timeUnixNano: nanoseconds(), asDouble: random(10), traceId: "", spanId: "" }];
  const number = (): object => ({
    ...common(),
    ...(random(2) === 0 ? { asDouble: random(100) / 7 } : { asInt: random(9) }),
  });
  const counts = Array.from({ length: 1 + random(6) }, () => random(4));
  const count = counts.reduce((sum, each) => sum + each, 0);
  const metrics = [
    { name: "a.gauge", unit: "By", gauge: { dataPoints: [number(), number()] } },
    {
      name: "a.sum",
      unit: "1",
      sum: { dataPoints: [{ ...number(), exemplars }], aggregationTemporality: 2, isMonotonic: true },
    },
    {
      name: "a.histogram",
      unit: "s",
      histogram: {
        dataPoints: [
          {
            ...common(),
            count,
            sum: 3,
            bucketCounts: counts,
            explicitBounds: counts.slice(1).map((_, i) => i),
            exemplars,
          },
        ],
        aggregationTemporality: 2,
      },
    },
    {
      name: "a.exponential",
      exponentialHistogram: {
        dataPoints: [
          {
            ...common(),
            count,
            sum: 1,
            scale: random(12) - 2,
            positive: { offset: random(20) - 10, bucketCounts: counts },
          },
        ],
        aggregationTemporality: 2,
      },
    },
    {
      name: "a.summary",
      summary: { dataPoints: [{ ...common(), count: 2, sum: 1, quantileValues: [{ quantile: 0.5, value: 1 }] }] },
    },
  ];
  const resource = { attributes: attributes({ "service.name": `s${random(3)}`, "host.name": "h" }) };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: "x" }, metrics }] }] };
}

function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const damaged = Uint8Array.from(bytes);
  for (let i = random(4); i >= 0; i--) if (damaged.length > 0) damaged[random(damaged.length)] = random(256);
  return random(4) === 0 ? damaged.subarray(0, random(damaged.length + 1)) : damaged;
}

test(`OTLP: damaged requests (FUZZ_SEED=${seed})`, async () => {
  const random = generator(seed);
  const statuses = new Map<number, number>();
  let rig = new OtlpRig();
  for (let i = 0; i < CASES; i++) {
    if (i % 200 === 0) {
      const nhcb = random(2) === 0;
      rig = new OtlpRig(
        `{translation_strategy: ${STRATEGIES[random(4)]}, convert_histograms_to_nhcb: ${nhcb}, promote_scope_metadata: ${random(2) === 0}}`,
        { takesDeltas: random(2) === 0, sumsDeltas: random(2) === 0, typeAndUnitLabels: random(2) === 0 },
      );
    }
    const request = soundRequest(random, i % 200);
    const isJson = random(3) === 0;
    const sound = isJson ? Buffer.from(JSON.stringify(request)) : encodeRequest(request);
    const isSound = random(5) === 0;
    const isZipped = random(5) === 0;
    const plain = isSound || isZipped ? sound : damage(sound, random);
    const zipped = isZipped ? gzipSync(plain, { level: 1 }) : plain;
    const body = isZipped && !isSound ? damage(zipped, random) : zipped;
    const began = performance.now();
    const [status, text] = await rig.send(body, {
      "content-type": isJson ? "application/json" : "application/x-protobuf",
      ...(isZipped ? { "content-encoding": "gzip" } : {}),
    });
    assert.ok(performance.now() - began < 5000, `case ${i} took too long`);
    if (status === 500) assert.doesNotMatch(text, /undefined|not a function|Cannot read/, `case ${i}: ${text}`);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (i % 100 === 99) assert.ok(rig.lines().length > 0);
  }
  const kinds = [...statuses.keys()].sort();
  assert.deepEqual(
    kinds.filter((status) => ![200, 400, 500].includes(status)),
    [],
  );
  assert.ok((statuses.get(200) ?? 0) > CASES / 20, JSON.stringify([...statuses]));
  assert.ok((statuses.get(400) ?? 0) > CASES / 20, JSON.stringify([...statuses]));
});

test(`OTLP JSON: sound requests come to what another library makes of them (FUZZ_SEED=${seed})`, () => {
  const random = generator(seed);
  for (let i = 0; i < 300; i++) {
    const request = soundRequest(random);
    const writer = new WireWriter();
    writeJsonRequest(JSON.stringify(request), writer);
    assert.deepEqual(decodeRequest(writer.toBytes()), decodeRequest(encodeRequest(request)));
  }
});
