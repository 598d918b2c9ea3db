// For tests: OpenTelemetry's messages as protobufjs writes and reads them, and a receiver with a storage of its own.
import { Registry } from "@narthex/client";
import { formatFloat, histogramToString, isStaleAt, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { silentLogger } from "@narthex/toolkit";
import protobuf from "protobufjs";
import type { ByteLease } from "../care/byte-budget.ts";
import { loadConfig } from "../config/index.ts";
import { fakeCall } from "../remote/proto-fixture.ts";
import { OtlpReceiver, type OtlpReceiverOptions } from "./otlp-receiver.ts";

const PROTO = `
syntax = "proto3";
package otlp;
message AnyValue {
  oneof value {
    string stringValue = 1; bool boolValue = 2; int64 intValue = 3; double doubleValue = 4; ArrayValue arrayValue = 5;
    KeyValueList kvlistValue = 6; bytes bytesValue = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message Scope { string name = 1; string version = 2; repeated KeyValue attributes = 3; }
message Resource { repeated KeyValue attributes = 1; }
message Exemplar {
  repeated KeyValue filteredAttributes = 7; fixed64 timeUnixNano = 2; oneof value { double asDouble = 3; sfixed64 asInt = 6; }
  bytes spanId = 4; bytes traceId = 5;
}
message NumberPoint {
  repeated KeyValue attributes = 7; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3;
  oneof value { double asDouble = 4; sfixed64 asInt = 6; } repeated Exemplar exemplars = 5; uint32 flags = 8;
}
message HistogramPoint {
  repeated KeyValue attributes = 9; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3; fixed64 count = 4;
  optional double sum = 5; repeated fixed64 bucketCounts = 6; repeated double explicitBounds = 7;
  repeated Exemplar exemplars = 8; uint32 flags = 10;
}
message Buckets { sint32 offset = 1; repeated uint64 bucketCounts = 2; }
message ExponentialPoint {
  repeated KeyValue attributes = 1; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3; fixed64 count = 4;
  optional double sum = 5; sint32 scale = 6; fixed64 zeroCount = 7; Buckets positive = 8; Buckets negative = 9;
  uint32 flags = 10; repeated Exemplar exemplars = 11;
}
message Quantile { double quantile = 1; double value = 2; }
message SummaryPoint {
  repeated KeyValue attributes = 7; fixed64 startTimeUnixNano = 2; fixed64 timeUnixNano = 3; fixed64 count = 4;
  double sum = 5; repeated Quantile quantileValues = 6; uint32 flags = 8;
}
message Gauge { repeated NumberPoint dataPoints = 1; }
message Sum { repeated NumberPoint dataPoints = 1; int32 aggregationTemporality = 2; bool isMonotonic = 3; }
message Histogram { repeated HistogramPoint dataPoints = 1; int32 aggregationTemporality = 2; }
message ExponentialHistogram { repeated ExponentialPoint dataPoints = 1; int32 aggregationTemporality = 2; }
message Summary { repeated SummaryPoint dataPoints = 1; }
message Metric {
  string name = 1; string description = 2; string unit = 3;
  oneof data {
    Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; ExponentialHistogram exponentialHistogram = 10;
    Summary summary = 11;
  }
}
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; string schemaUrl = 3; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scopeMetrics = 2; string schemaUrl = 3; }
message Request { repeated ResourceMetrics resourceMetrics = 1; }
`;

const type = protobuf.parse(PROTO, { keepCase: true }).root.lookupType("otlp.Request");

/** A request as protobuf; members are those of the JSON form, save that numbers of 64 bits are numbers. */
export function encodeRequest(request: object): Uint8Array {
  return type.encode(type.fromObject(request as Record<string, unknown>)).finish();
}

/** The request that bytes hold, numbers of 64 bits as text. */
export function decodeRequest(bytes: Uint8Array): unknown {
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, arrays: false });
}

/** The clock of all tests. */
export const NOW = 1_700_000_000_000;

/** Attributes from an object of texts. */
export function attributes(of: Readonly<Record<string, string>>): object[] {
  return Object.entries(of).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/** Nanoseconds as text, `offsetMs` from the clock. */
export function nanoseconds(offsetMs = 0): string {
  return `${NOW + offsetMs}000000`;
}

/** A point of one value at the clock's time. */
export function point(asDouble: number, of: Readonly<Record<string, string>> = {}, more: object = {}): object {
  return { timeUnixNano: nanoseconds(), asDouble, attributes: attributes(of), ...more };
}

/** A request of one resource and one scope. */
export function requestOf(
  metrics: readonly object[],
  resource: Readonly<Record<string, string>> = {},
  scope: object = {},
): object {
  return {
    resourceMetrics: [
      {
        resource: { attributes: attributes(resource) },
        scopeMetrics: [{ scope, metrics, schemaUrl: "http://schema" }],
      },
    ],
  };
}

/** What is between a receiver and a test. */
export class OtlpRig {
  readonly storage: MemoryStorage = new MemoryStorage();
  readonly registry: Registry = new Registry();
  readonly receiver: OtlpReceiver;

  /** `yaml` is the `otlp` section. */
  constructor(yaml = "{}", options: Partial<OtlpReceiverOptions> = {}) {
    const { otlp } = loadConfig(`otlp: ${yaml}\n`, "p.yml", { environment: {} });
    this.receiver = new OtlpReceiver({
      enabled: true,
      appendable: () => this.storage,
      config: () => otlp,
      registry: this.registry,
      logger: silentLogger,
      keepsMetadata: true,
      typeAndUnitLabels: false,
      takesDeltas: false,
      sumsDeltas: false,
      lookbackDeltaMs: 300_000,
      now: () => NOW,
      seed: 1,
      ...options,
    });
  }

  /** Sends a body; resolves with status and text. */
  async send(
    body: Uint8Array | string,
    headers: Readonly<Record<string, string>> = { "content-type": "application/x-protobuf" },
    memory?: ByteLease,
  ): Promise<[number, string]> {
    const { call, answered } = fakeCall(
      typeof body === "string" ? Buffer.from(body) : body,
      headers,
      undefined,
      memory,
    );
    await this.receiver.handle(call);
    const { status, body: text } = await answered;
    return [status, text.toString()];
  }

  /** Sends a request as JSON. */
  sendJson(request: object): Promise<[number, string]> {
    return this.send(JSON.stringify(request), { "content-type": "application/json" });
  }

  /** Everything that is stored, one line each series: its labels and `value@time`, times from the clock on in seconds. */
  lines(): string[] {
    const querier = this.storage.querier(-1e15, 1e15);
    const set = querier.select([new Matcher("=~", "__name__", ".*")]);
    const found: string[] = [];
    for (let i = 0; i < set.count; i++) {
      const buffer = new SampleBuffer();
      set.read(i, -1e15, 1e15, buffer);
      const samples = Array.from({ length: buffer.count }, (_, s) => {
        const histogram = buffer.histograms?.[s];
        const value =
          histogram !== undefined
            ? histogramToString(histogram)
            : isStaleAt(buffer.halves, s)
              ? "stale"
              : formatFloat(buffer.values[s] as number);
        return `${value}@${((buffer.times[s] as number) - NOW) / 1000}`;
      });
      found.push(`${set.labels(i)} ${samples.join(" ")}`);
    }
    querier.close();
    return found.sort();
  }
}
