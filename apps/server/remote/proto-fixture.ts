// For tests: the remote protocols' messages as protobufjs reads and writes them, and calls without a socket.
import type { IncomingMessage, ServerResponse } from "node:http";
import protobuf from "protobufjs";
import type { ByteLease } from "../care/byte-budget.ts";
import { Call } from "../web/call.ts";

const PROTO = `
syntax = "proto3";
package prometheus;
message Label { string name = 1; string value = 2; }
message Sample { double value = 1; int64 timestamp = 2; }
message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
message BucketSpan { sint32 offset = 1; uint32 length = 2; }
message Histogram {
  oneof count { uint64 count_int = 1; double count_float = 2; }
  double sum = 3; sint32 schema = 4; double zero_threshold = 5;
  oneof zero_count { uint64 zero_count_int = 6; double zero_count_float = 7; }
  repeated BucketSpan negative_spans = 8; repeated sint64 negative_deltas = 9; repeated double negative_counts = 10;
  repeated BucketSpan positive_spans = 11; repeated sint64 positive_deltas = 12; repeated double positive_counts = 13;
  int32 reset_hint = 14; int64 timestamp = 15; repeated double custom_values = 16;
}
message TimeSeries {
  repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated Histogram histograms = 4;
}
message MetricMetadata { int32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
message Matcher { int32 type = 1; string name = 2; string value = 3; }
message Hints { int64 step_ms = 1; string func = 2; int64 start_ms = 3; int64 end_ms = 4; }
message Query { int64 start = 1; int64 end = 2; repeated Matcher matchers = 3; Hints hints = 4; }
message ReadRequest { repeated Query queries = 1; repeated int32 accepted_response_types = 2; }
message QueryResult { repeated TimeSeries timeseries = 1; }
message ReadResponse { repeated QueryResult results = 1; }
message Chunk { int64 min_time_ms = 1; int64 max_time_ms = 2; int32 type = 3; bytes data = 4; }
message ChunkedSeries { repeated Label labels = 1; repeated Chunk chunks = 2; }
message ChunkedReadResponse { repeated ChunkedSeries chunked_series = 1; int64 query_index = 2; }
message SampleV2 { double value = 1; int64 timestamp = 2; int64 start_timestamp = 3; }
message ExemplarV2 { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
message MetadataV2 { int32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
message TimeSeriesV2 {
  repeated uint32 labels_refs = 1; repeated SampleV2 samples = 2; repeated Histogram histograms = 3;
  repeated ExemplarV2 exemplars = 4; MetadataV2 metadata = 5;
}
message RequestV2 { repeated string symbols = 4; repeated TimeSeriesV2 timeseries = 5; }
message LabelPair { string name = 1; string value = 2; }
message Untyped { double value = 1; }
message Metric { repeated LabelPair label = 1; Untyped untyped = 5; int64 timestamp_ms = 6; }
message MetricFamily { string name = 1; int32 type = 3; repeated Metric metric = 4; }
`;

const root = protobuf.parse(PROTO, { keepCase: true }).root;

/** Encodes a plain object as the message `name` of the fixture's schema. */
export function encodeProto(name: string, value: object): Uint8Array {
  const type = root.lookupType(`prometheus.${name}`);
  return type.encode(type.fromObject(value as Record<string, unknown>)).finish();
}

/** Decodes a message into a plain object; 64-bit integers become numbers. */
export function decodeProto<T>(name: string, bytes: Uint8Array): T {
  const type = root.lookupType(`prometheus.${name}`);
  return type.toObject(type.decode(bytes), { longs: Number, arrays: true, defaults: false }) as T;
}

/** Labels of a message from an object, sorted by name. */
export function labelList(labels: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.keys(labels)
    .sort()
    .map((name) => ({ name, value: labels[name] as string }));
}

/** What a handler answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A call that ends in memory, and the promise of its answer. */
export function fakeCall(
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  url = "/",
  memory?: ByteLease,
): { call: Call; answered: Promise<Answered> } {
  const found: Record<string, string> = {};
  const pieces: Buffer[] = [];
  let finish: (answer: Answered) => void = () => {};
  const answered = new Promise<Answered>((resolve) => {
    finish = resolve;
  });
  const response = {
    statusCode: 200,
    destroyed: false,
    writableFinished: false,
    setHeader(name: string, value: unknown): void {
      found[name.toLowerCase()] = String(value);
    },
    on(): void {},
    once(): void {},
    removeListener(): void {},
    write(piece: Uint8Array): boolean {
      pieces.push(Buffer.from(piece));
      return true;
    },
    end(piece?: Uint8Array): void {
      if (piece !== undefined) pieces.push(Buffer.from(piece));
      finish({ status: response.statusCode, headers: found, body: Buffer.concat(pieces) });
    },
    destroy(): void {
      response.destroyed = true;
      finish({ status: 0, headers: found, body: Buffer.concat(pieces) });
    },
  };
  const request = { headers, url, method: "POST" };
  const call = new Call(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    {},
    Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    memory,
  );
  return { call, answered };
}
