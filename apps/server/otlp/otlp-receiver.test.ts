import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { WireWriter } from "@narthex/encoding";
import { ByteBudget } from "../care/byte-budget.ts";
import { writeJsonRequest } from "./json-request.ts";
import { attributes, decodeRequest, encodeRequest, nanoseconds, OtlpRig, point, requestOf } from "./testing.ts";

const SERVICE = { "service.name": "api", "service.namespace": "shop", "service.instance.id": "a:1" };
const GAUGE = { name: "disk.free", unit: "By", gauge: { dataPoints: [point(1.5, { "mount.point": "/" })] } };
const PROTOBUF = { "content-type": "application/x-protobuf" };
const CUMULATIVE = 2;
const DELTA = 1;

/** Stores one request; answers what is stored then. */
async function stored(
  request: object,
  yaml?: string,
  options?: ConstructorParameters<typeof OtlpRig>[1],
): Promise<string[]> {
  const rig = new OtlpRig(yaml, options);
  assert.deepEqual(await rig.sendJson(request), [200, ""]);
  return rig.lines();
}

/** The answer to one request, of which then nothing is stored. */
async function refused(request: object, yaml?: string): Promise<[number, string]> {
  const rig = new OtlpRig(yaml);
  const answer = await rig.sendJson(request);
  assert.deepEqual(rig.lines(), []);
  return answer;
}

test("OTLP: a gauge under its service's job and instance, with target_info for what else is known of it", async () => {
  assert.deepEqual(await stored(requestOf([GAUGE], { ...SERVICE, "host.name": "h" })), [
    '{__name__="disk_free_bytes", instance="a:1", job="shop/api", mount_point="/"} 1.5@0',
    '{__name__="target_info", host_name="h", instance="a:1", job="shop/api"} 1@0',
  ]);
});

test("OTLP: protobuf, JSON and their gzip forms come to the same", async () => {
  const request = requestOf([GAUGE], SERVICE);
  const expected = await stored(request);
  const json = JSON.stringify(request);
  for (const [body, headers] of [
    [encodeRequest(request), PROTOBUF],
    [gzipSync(encodeRequest(request)), { ...PROTOBUF, "content-encoding": "gzip" }],
    [gzipSync(json), { "content-type": "application/json", "content-encoding": "gzip" }],
  ] as const) {
    const rig = new OtlpRig();
    assert.deepEqual(await rig.send(body, headers), [200, ""]);
    assert.deepEqual(rig.lines(), expected);
  }
});

test("OTLP: what is unpacked is taken from the memory for bodies, and refused for now where there is no more", async () => {
  const request = requestOf([GAUGE], SERVICE);
  const packed = gzipSync(JSON.stringify({ ...request, padding: " ".repeat(10_000) }));
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  const rig = new OtlpRig();
  const refusal = "too much is being sent at the same time: send less at once, or again later\n";
  assert.deepEqual(await rig.send(packed, headers, new ByteBudget(5000).lease()), [503, refusal]);
  assert.deepEqual(rig.lines(), []);
  const memory = new ByteBudget(20_000).lease();
  assert.deepEqual(await rig.send(packed, headers, memory), [200, ""]);
  assert.ok(memory.bytes > 10_000);
});

test("OTLP: what is refused before it is read", async () => {
  const rig = new OtlpRig();
  assert.deepEqual(await rig.send("{}", { "content-type": "application/json; charset=utf-8" }), [
    400,
    "unsupported content type: application/json; charset=utf-8, supported: [application/json, application/x-protobuf]\n",
  ]);
  assert.deepEqual(await rig.send("", { ...PROTOBUF, "content-encoding": "snappy" }), [
    400,
    'unsupported compression: snappy. Only "gzip" or no compression supported\n',
  ]);
  assert.deepEqual(await rig.send("not gzip at all", { ...PROTOBUF, "content-encoding": "gzip" }), [
    400,
    "gzip: invalid header\n",
  ]);
  assert.equal((await rig.send(Uint8Array.of(10, 200), PROTOBUF))[0], 400);
  assert.equal((await rig.send("{", { "content-type": "application/json" }))[0], 400);
  const bomb = gzipSync(Buffer.alloc(40 * 1024 * 1024));
  assert.deepEqual(await rig.send(bomb, { ...PROTOBUF, "content-encoding": "gzip" }), [
    400,
    "request body too large\n",
  ]);
  const off = new OtlpRig("{}", { enabled: false });
  assert.deepEqual(await off.send(""), [
    404,
    "otlp write receiver needs to be enabled with --web.enable-otlp-receiver\n",
  ]);
});

const COUNTER = {
  name: "requests.done",
  unit: "{request}",
  description: "Done",
  sum: { dataPoints: [point(3)], aggregationTemporality: CUMULATIVE, isMonotonic: true },
};

test("OTLP: names by each translation strategy", async () => {
  const request = requestOf([GAUGE, COUNTER]);
  const names = async (strategy: string): Promise<string[]> => stored(request, `{translation_strategy: ${strategy}}`);
  assert.deepEqual(await names("UnderscoreEscapingWithSuffixes"), [
    '{__name__="disk_free_bytes", mount_point="/"} 1.5@0',
    '{__name__="requests_done_total"} 3@0',
  ]);
  assert.deepEqual(await names("UnderscoreEscapingWithoutSuffixes"), [
    '{__name__="disk_free", mount_point="/"} 1.5@0',
    '{__name__="requests_done"} 3@0',
  ]);
  assert.deepEqual(await names("NoUTF8EscapingWithSuffixes"), [
    '{__name__="disk.free_bytes", "mount.point"="/"} 1.5@0',
    '{__name__="requests.done_total"} 3@0',
  ]);
  assert.deepEqual(await names("NoTranslation"), [
    '{__name__="disk.free", "mount.point"="/"} 1.5@0',
    '{__name__="requests.done"} 3@0',
  ]);
});

test("OTLP: resource attributes are promoted by name, or all but some; a point's own come first", async () => {
  const resource = { ...SERVICE, "k8s.pod": "p", "host.name": "h", "mount.point": "other" };
  const first = async (yaml: string): Promise<string | undefined> =>
    (await stored(requestOf([GAUGE], resource), yaml)).find((line) => line.includes("disk"));
  assert.equal(
    await first("{promote_resource_attributes: [k8s.pod, mount.point]}"),
    '{__name__="disk_free_bytes", instance="a:1", job="shop/api", k8s_pod="p", mount_point="/"} 1.5@0',
  );
  assert.equal(
    await first("{promote_all_resource_attributes: true, ignore_resource_attributes: [k8s.pod]}"),
    '{__name__="disk_free_bytes", host_name="h", instance="a:1", job="shop/api", mount_point="/", service_instance_id="a:1", service_name="api", service_namespace="shop"} 1.5@0',
  );
});

test("OTLP: target_info keeps what identifies the service when told to, and is not there without job and instance", async () => {
  const info = (lines: string[]): string[] => lines.filter((line) => line.includes("target_info"));
  assert.deepEqual(info(await stored(requestOf([GAUGE], SERVICE))), []);
  assert.deepEqual(info(await stored(requestOf([GAUGE], { "host.name": "h" }))), []);
  assert.deepEqual(
    info(
      await stored(
        requestOf([GAUGE], { ...SERVICE, "host.name": "h" }),
        "{keep_identifying_resource_attributes: true}",
      ),
    ),
    [
      '{__name__="target_info", host_name="h", instance="a:1", job="shop/api", service_instance_id="a:1", service_name="api", service_namespace="shop"} 1@0',
    ],
  );
});

test("OTLP: target_info spans a request's points at half the lookback, each time once", async () => {
  const old = { ...GAUGE, gauge: { dataPoints: [point(1, {}, { timeUnixNano: nanoseconds(-400_000) }), point(2)] } };
  const one = requestOf([old], { ...SERVICE, a: "b" }) as { resourceMetrics: object[] };
  const lines = await stored({ resourceMetrics: [...one.resourceMetrics, ...one.resourceMetrics] });
  assert.equal(lines[1], '{__name__="target_info", a="b", instance="a:1", job="shop/api"} 1@-400 1@-250 1@-100 1@0');
});

test("OTLP: points too far apart for target_info are refused instead of filling the storage", async () => {
  const ancient = { ...GAUGE, gauge: { dataPoints: [point(1, {}, { timeUnixNano: "0" }), point(2)] } };
  assert.deepEqual(await refused(requestOf([ancient], { ...SERVICE, a: "b" })), [
    500,
    "the data points' times lie too far apart for target_info\n",
  ]);
});

test("OTLP: scopes show as labels when told to, if they have a name", async () => {
  const scope = { name: "lib", version: "1.2", attributes: attributes({ "x.y": "z" }) };
  assert.deepEqual(await stored(requestOf([COUNTER], {}, scope)), ['{__name__="requests_done_total"} 3@0']);
  assert.deepEqual(await stored(requestOf([COUNTER], {}, scope), "{promote_scope_metadata: true}"), [
    '{__name__="requests_done_total", otel_scope_name="lib", otel_scope_schema_url="http://schema", otel_scope_version="1.2", otel_scope_x_y="z"} 3@0',
  ]);
  assert.deepEqual(await stored(requestOf([COUNTER], {}, { version: "1.2" }), "{promote_scope_metadata: true}"), [
    '{__name__="requests_done_total"} 3@0',
  ]);
});

test("OTLP: attributes that make the same label are joined in the order of their keys", async () => {
  const gauge = { name: "g", gauge: { dataPoints: [point(1, { "a.b": "1", a_b: "2", "a-b": "3", job: "mine" })] } };
  assert.deepEqual(await stored(requestOf([gauge], SERVICE)), [
    '{__name__="g", a_b="3;1;2", instance="a:1", job="shop/api"} 1@0',
  ]);
});

test("OTLP: values of all kinds become text, lists and maps as JSON", async () => {
  const value = (key: string, of: object): object => ({ key, value: of });
  const dataPoint = {
    timeUnixNano: nanoseconds(),
    asInt: "9007199254740993",
    attributes: [
      value("bool", { boolValue: true }),
      value("int", { intValue: "-9223372036854775808" }),
      value("double", { doubleValue: 1e21 }),
      value("whole", { doubleValue: 2 }),
      value("inf", { doubleValue: "Infinity" }),
      value("bytes", { bytesValue: "AQID" }),
      value("list", { arrayValue: { values: [{ stringValue: "a<b" }, { intValue: 1 }, {}] } }),
      value("map", { kvlistValue: { values: [value("z", { boolValue: false }), value("a", { doubleValue: 0.5 })] } }),
      value("bad", { arrayValue: { values: [{ arrayValue: { values: [{ doubleValue: "NaN" }] } }] } }),
      value("empty", {}),
    ],
  };
  assert.deepEqual(await stored(requestOf([{ name: "g", gauge: { dataPoints: [dataPoint] } }])), [
    '{__name__="g", bool="true", bytes="AQID", double="1e+21", inf="json: unsupported value: +Inf", int="-9223372036854775808", list="[\\"a\\\\u003cb\\",1,null]", map="{\\"a\\":0.5,\\"z\\":false}", whole="2"} 9007199254740992@0',
  ]);
});

const HISTOGRAM_POINT = {
  timeUnixNano: nanoseconds(),
  count: 10,
  sum: 5.5,
  bucketCounts: [0, 2, 3, 5],
  explicitBounds: [0.5, 1, 1e7],
};

function histogram(dataPoint: object, aggregationTemporality: number = CUMULATIVE): object {
  return { name: "latency", unit: "s", histogram: { dataPoints: [dataPoint], aggregationTemporality } };
}

test("OTLP: an explicit histogram becomes a classic one, with a sum where it has one", async () => {
  assert.deepEqual(await stored(requestOf([histogram(HISTOGRAM_POINT)])), [
    '{__name__="latency_seconds_bucket", le="+Inf"} 10@0',
    '{__name__="latency_seconds_bucket", le="0.5"} 0@0',
    '{__name__="latency_seconds_bucket", le="1"} 2@0',
    '{__name__="latency_seconds_bucket", le="10000000"} 5@0',
    '{__name__="latency_seconds_count"} 10@0',
    '{__name__="latency_seconds_sum"} 5.5@0',
  ]);
  assert.deepEqual(await stored(requestOf([histogram({ timeUnixNano: nanoseconds(), count: 3 })])), [
    '{__name__="latency_seconds_bucket", le="+Inf"} 3@0',
    '{__name__="latency_seconds_count"} 3@0',
  ]);
});

test("OTLP: an explicit histogram becomes one of custom buckets when told to", async () => {
  assert.deepEqual(await stored(requestOf([histogram(HISTOGRAM_POINT)]), "{convert_histograms_to_nhcb: true}"), [
    '{__name__="latency_seconds"} {count:10, sum:5.5, (0.5,1]:2, (1,1e+07]:3, (1e+07,+Inf]:5}@0',
  ]);
});

function exponential(dataPoint: object, aggregationTemporality: number = CUMULATIVE): object {
  return {
    name: "size",
    unit: "By",
    exponentialHistogram: { dataPoints: [{ timeUnixNano: nanoseconds(), ...dataPoint }], aggregationTemporality },
  };
}

test("OTLP: an exponential histogram becomes a native one, finer scales are made coarser", async () => {
  const sides = { positive: { offset: 1, bucketCounts: [1, 0, 3] }, negative: { offset: -1, bucketCounts: [2] } };
  assert.deepEqual(await stored(requestOf([exponential({ count: 7, sum: 20, scale: 0, zeroCount: 1, ...sides })])), [
    '{__name__="size_bytes"} {count:7, sum:20, [-1,-0.5):2, [-1e-128,1e-128]:1, (2,4]:1, (8,16]:3}@0',
  ]);
  const fine = { count: 4, sum: 4, scale: 10, positive: { offset: 0, bucketCounts: [1, 1, 1, 1] } };
  assert.deepEqual(await stored(requestOf([exponential(fine)])), [
    '{__name__="size_bytes"} {count:4, sum:4, (1,1.0027112750502025]:4}@0',
  ]);
  assert.deepEqual(await refused(requestOf([exponential({ count: 1, scale: -5 })])), [
    500,
    "cannot convert exponential to native histogram. Scale must be >= -4, was -5\n",
  ]);
});

test("OTLP: a summary becomes its sum, count and quantiles", async () => {
  const quantileValues = [
    { quantile: 0, value: 1 },
    { quantile: 0.99, value: 7 },
  ];
  const summary = { dataPoints: [{ timeUnixNano: nanoseconds(), count: 4, sum: 12, quantileValues }] };
  assert.deepEqual(await stored(requestOf([{ name: "s", summary }])), [
    '{__name__="s", quantile="0"} 1@0',
    '{__name__="s", quantile="0.99"} 7@0',
    '{__name__="s_count"} 4@0',
    '{__name__="s_sum"} 12@0',
  ]);
});

test("OTLP: a point without a recorded value ends all its series", async () => {
  const ends = { flags: 1 };
  const gauge = { name: "g", gauge: { dataPoints: [point(1, {}, ends)] } };
  assert.deepEqual(await stored(requestOf([gauge])), ['{__name__="g"} stale@0']);
  const lines = await stored(requestOf([histogram({ ...HISTOGRAM_POINT, ...ends })]));
  assert.equal(lines.length, 6);
  for (const line of lines) assert.match(line, / stale@0$/);
});

test("OTLP: samples that count since the last one are refused, unless they are to be taken as they are", async () => {
  const delta = { ...COUNTER, sum: { ...COUNTER.sum, aggregationTemporality: DELTA } };
  const refusal = [500, 'invalid temporality and type combination for metric "requests.done"\n'];
  assert.deepEqual(await refused(requestOf([delta])), refusal);
  const unspecified = { ...COUNTER, sum: { ...COUNTER.sum, aggregationTemporality: 0 } };
  assert.deepEqual(await refused(requestOf([unspecified])), refusal);
  const options = { takesDeltas: true };
  assert.deepEqual(await stored(requestOf([delta]), "{}", options), ['{__name__="requests_done_total"} 3@0']);
});

test("OTLP: one bad metric undoes the whole request; all that is wrong is told", async () => {
  const delta = (name: string): object => ({
    ...COUNTER,
    name,
    sum: { ...COUNTER.sum, aggregationTemporality: DELTA },
  });
  assert.deepEqual(await refused(requestOf([GAUGE, delta("a"), delta("b"), { name: "c" }])), [
    500,
    'invalid temporality and type combination for metric "a"\n' +
      'invalid temporality and type combination for metric "b"\n' +
      "could not get aggregation temporality for c as it has unsupported metric type Empty\n",
  ]);
});

test("OTLP: times are the sender's fault, and samples of one series in one request may come in any order", async () => {
  const at = (offsetMs: number, value: number): object => point(value, {}, { timeUnixNano: nanoseconds(offsetMs) });
  const gauge = (...dataPoints: object[]): object => requestOf([{ name: "g", gauge: { dataPoints } }]);
  assert.deepEqual(await refused(gauge(at(3_600_000, 1))), [
    400,
    "out of bounds: timestamp is too far in the future\n",
  ]);
  const rig = new OtlpRig();
  assert.deepEqual(await rig.sendJson(gauge(at(0, 1))), [200, ""]);
  assert.deepEqual(await rig.sendJson(gauge(at(-1000, 1))), [400, "out of order sample\n"]);
  assert.deepEqual(await rig.sendJson(gauge(at(0, 2))), [400, "duplicate sample for timestamp\n"]);
  assert.deepEqual(await rig.sendJson(gauge(at(0, 1))), [200, ""]);
  assert.deepEqual(await rig.sendJson(gauge(at(1000, 3), at(500, 4), at(2000, 5))), [200, ""]);
  assert.deepEqual(rig.lines(), ['{__name__="g"} 1@0 3@1 5@2']);
});

test("OTLP: a known series is found by its bytes, whatever stands around it", async () => {
  const rig = new OtlpRig();
  const request = (value: number, name: string, t: number, service: string): object =>
    requestOf([{ name, gauge: { dataPoints: [point(value, { a: "b" }, { timeUnixNano: nanoseconds(t) })] } }], {
      "service.name": service,
    });
  for (const [i, [name, service]] of [
    ["g", "one"],
    ["h", "one"],
    ["g", "two"],
    ["g", "one"],
    ["h", "one"],
  ].entries()) {
    assert.deepEqual(await rig.sendJson(request(i, name as string, i * 1000, service as string)), [200, ""]);
  }
  assert.deepEqual(rig.lines(), [
    '{__name__="g", a="b", job="one"} 0@0 3@3',
    '{__name__="g", a="b", job="two"} 2@2',
    '{__name__="h", a="b", job="one"} 1@1 4@4',
  ]);
});

test("OTLP: type and unit show as labels where the feature is on", async () => {
  assert.deepEqual(await stored(requestOf([GAUGE, COUNTER]), "{}", { typeAndUnitLabels: true }), [
    '{__name__="disk_free_bytes", __type__="gauge", __unit__="bytes", mount_point="/"} 1.5@0',
    '{__name__="requests_done_total", __type__="counter"} 3@0',
  ]);
});

test("OTLP: nanoseconds are cut to milliseconds exactly, however large", async () => {
  const at = (timeUnixNano: string): object =>
    requestOf([{ name: "g", gauge: { dataPoints: [point(1, {}, { timeUnixNano })] } }]);
  assert.deepEqual(await stored(at("1700000000122999999")), ['{__name__="g"} 1@0.122']);
  assert.deepEqual(await stored(at("1700000000123000000")), ['{__name__="g"} 1@0.123']);
  // As a bare number it is beyond what a float holds.
  const rig = new OtlpRig();
  await rig.send(JSON.stringify(at("T")).replace('"T"', "1700000000123000001"), { "content-type": "application/json" });
  assert.deepEqual(rig.lines(), ['{__name__="g"} 1@0.123']);
});

test("OTLP: warnings are counted by their category", async () => {
  const rig = new OtlpRig();
  await rig.sendJson(requestOf([{ name: "g", gauge: { dataPoints: [] } }, exponential({ count: 0, sum: 1 })]));
  const { body } = await rig.registry.expose();
  assert.match(body, /otlp_translation_warnings_total\{category="empty_data_points"\} 1\n/);
  assert.match(body, /otlp_translation_warnings_total\{category="histogram_zero_count_non_zero_sum"\} 1\n/);
});

test("OTLP JSON: both spellings of names, numbers as text, enumerations by name, unknown fields", () => {
  const json = `{"unknown": {"a": [1, "x", {"b": null}, true]}, "resource_metrics": [{"scopeMetrics": [{"metrics": [
    {"name": "a\\u00e9\\n", "sum": {"is_monotonic": true, "aggregationTemporality": "AGGREGATION_TEMPORALITY_DELTA", "dataPoints": [
      {"time_unix_nano": 1700000000123456789, "asInt": "-5", "flags": "1", "exemplars": [{"traceId": "0aff", "asDouble": "NaN"}]}
    ]}},
    {"exponentialHistogram": null, "histogram": {"dataPoints": [{"count": "3", "bucketCounts": ["1", 2], "explicitBounds": [1.5]}]}}
  ]}]}]}`;
  const writer = new WireWriter();
  writeJsonRequest(json, writer);
  assert.deepEqual(decodeRequest(writer.toBytes()), {
    resourceMetrics: [
      {
        scopeMetrics: [
          {
            metrics: [
              {
                name: "aé\n",
                sum: {
                  isMonotonic: true,
                  aggregationTemporality: 1,
                  dataPoints: [
                    {
                      timeUnixNano: "1700000000123456789",
                      asInt: "-5",
                      flags: 1,
                      exemplars: [{ traceId: "Cv8=", asDouble: NaN }],
                    },
                  ],
                },
              },
              { histogram: { dataPoints: [{ count: "3", bucketCounts: ["1", "2"], explicitBounds: [1.5] }] } },
            ],
          },
        ],
      },
    ],
  });
});

for (const [what, json] of [
  ["text behind the end", "{} x"],
  ["a list instead of an object", "[]"],
  [
    "a number out of range",
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{"flags":-1}]}}]}]}]}',
  ],
  [
    "an id that is no hexadecimal",
    '{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{"exemplars":[{"traceId":"xyz"}]}]}}]}]}]}',
  ],
  ["a control character in a string", '{"a": "\n"}'],
  ["a comma too many", '{"a": 1,}'],
  ["nesting without end", `{"a": ${"[".repeat(5000)}`],
] as const) {
  test(`OTLP JSON: ${what} is refused`, () => {
    assert.throws(() => writeJsonRequest(json, new WireWriter()), { name: "JsonRequestError" });
  });
}
