import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { MemoryStorage } from "@narthex/storage";
import { decodeProto } from "../remote/proto-fixture.ts";
import { answerFederation, type FederateRequest } from "./federate-answer.ts";
import { negotiateFederation } from "./federate-format.ts";
import { ByteSink } from "./json/byte-sink.ts";

const T = 1_700_000_000_000;

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  const write = (labels: Record<string, string>, t: number, value: number): void => {
    appender.append(appender.series(Labels.fromObject(labels)), t, value);
  };
  write({ __name__: "b", a: "1" }, T - 5000, 1);
  write({ __name__: "b", a: "1" }, T - 1000, 1e9);
  write({ __name__: "b", Z: "0", dc: "own" }, T - 1000, -0);
  write({ __name__: "a.dotted", "l.x": 'quoted "v"\n' }, T, Number.NaN);
  write({ __name__: "old" }, T - 400_000, 1);
  write({ __name__: "gone" }, T - 2000, 1);
  appender.appendStale(appender.series(Labels.fromObject({ __name__: "gone" })), T - 1000);
  appender.commit();
  return storage;
}

function federate(changes: Partial<FederateRequest> = {}): Buffer {
  const pieces: Uint8Array[] = [];
  answerFederation(
    {
      kind: "federate",
      selectors: ['{__name__=~".+"}'],
      minTime: T - 300_000,
      maxTime: T,
      form: "text",
      escaping: "underscores",
      externalLabels: [],
      ...changes,
    },
    { queryable: filled(), cancelled: () => false },
    new ByteSink((bytes) => pieces.push(bytes)),
  );
  return Buffer.concat(pieces);
}

test("federation: newest samples by name, without stale and old ones, an empty instance where none is", () => {
  assert.equal(
    federate().toString(),
    [
      "# TYPE a_dotted untyped",
      `a_dotted{l_x="quoted \\"v\\"\\n",instance=""} NaN ${T}`,
      "# TYPE b untyped",
      `b{Z="0",dc="own",instance=""} 0 ${T - 1000}`,
      `b{a="1",instance=""} 1e+09 ${T - 1000}`,
      "",
    ].join("\n"),
  );
});

test("federation: external labels where absent, names unescaped where allowed, each series once", () => {
  const text = federate({
    selectors: ["b", '{"a.dotted"}', '{a="1"}'],
    escaping: "allow-utf-8",
    externalLabels: ["dc", "x", "instance", "me"],
  }).toString();
  assert.equal(
    text,
    [
      '# TYPE "a.dotted" untyped',
      `{"a.dotted","l.x"="quoted \\"v\\"\\n",dc="x",instance="me"} NaN ${T}`,
      "# TYPE b untyped",
      `b{Z="0",dc="own",instance="me"} 0 ${T - 1000}`,
      `b{a="1",dc="x",instance="me"} 1e+09 ${T - 1000}`,
      "",
    ].join("\n"),
  );
});

test("federation: protobuf families behind their lengths", () => {
  const bytes = federate({ form: "protobuf", selectors: ["b"] });
  assert.equal(bytes[0], bytes.length - 1);
  const family = decodeProto<{ name: string; type: number; metric: object[] }>("MetricFamily", bytes.subarray(1));
  assert.equal(family.name, "b");
  assert.equal(family.type, 3);
  assert.deepEqual(family.metric[1], {
    label: [
      { name: "a", value: "1" },
      // What is empty protobufjs leaves out, though it was written.
      { name: "instance" },
    ],
    untyped: { value: 1e9 },
    timestamp_ms: T - 1000,
  });
});

test("federation: what an Accept header gets", () => {
  const contentType = (accept?: string): string => negotiateFederation(accept).contentType;
  const text = (escaping: string): string => `text/plain; version=0.0.4; charset=utf-8; escaping=${escaping}`;
  assert.equal(contentType(undefined), text("underscores"));
  assert.equal(contentType("application/openmetrics-text;version=1.0.0"), text("underscores"));
  assert.equal(contentType("text/plain;version=0.0.4;escaping=dots"), text("dots"));
  assert.equal(contentType("text/plain;version=1.0.0;escaping=allow-utf-8"), text("allow-utf-8"));
  const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
  assert.equal(
    contentType(`text/plain;q=0.5,${protobuf}`),
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=underscores",
  );
  assert.equal(contentType(`text/plain,${protobuf};q=0.5`), text("underscores"));
});
