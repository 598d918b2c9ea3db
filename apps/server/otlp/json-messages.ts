// The messages of an OpenTelemetry request as JSON has them: names, numbers and kinds of their fields.
// Source: opentelemetry-proto, and the OTLP specification on its JSON form (ids are hexadecimal, enumerations numbers).

/** How a field's value is written, on both sides. */
export type JsonKind =
  | "text"
  | "bool"
  | "double"
  | "fixed64"
  | "sfixed64"
  | "int64"
  | "uint32"
  | "sint32"
  | "enum"
  | "hex"
  | "base64"
  /** Lists of numbers, packed. */
  | "doubles"
  | "fixed64s"
  | "uint64s"
  | JsonMessage
  | readonly [JsonMessage];

export interface JsonField {
  readonly number: number;
  readonly kind: JsonKind;
}

/** Fields by name. Filled below, as messages name one another. */
export type JsonMessage = Map<string, JsonField>;

const message = (): JsonMessage => new Map();

const anyValue = message();
const keyValue = message();
const resource = message();
const scope = message();
const exemplar = message();
const numberPoint = message();
const histogramPoint = message();
const exponentialPoint = message();
const buckets = message();
const summaryPoint = message();
const quantile = message();
const metric = message();
const scopeMetrics = message();
const resourceMetrics = message();

/** The whole request. */
export const REQUEST: JsonMessage = message();

/** Fields go by their name in lower camel case or as the schema spells them. */
function fill(into: JsonMessage, fields: Readonly<Record<string, readonly [number, JsonKind]>>): void {
  for (const [name, [number, kind]] of Object.entries(fields)) {
    into.set(name, { number, kind });
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    if (snake !== name) into.set(snake, { number, kind });
  }
}

function data(points: JsonMessage, extra: Readonly<Record<string, readonly [number, JsonKind]>> = {}): JsonMessage {
  const made = message();
  fill(made, { dataPoints: [1, [points]], ...extra });
  return made;
}

const temporality = { aggregationTemporality: [2, "enum"] } as const;
const arrayValue = message();
const mapValue = message();
fill(arrayValue, { values: [1, [anyValue]] });
fill(mapValue, { values: [1, [keyValue]] });
fill(anyValue, {
  stringValue: [1, "text"],
  boolValue: [2, "bool"],
  intValue: [3, "int64"],
  doubleValue: [4, "double"],
  arrayValue: [5, arrayValue],
  kvlistValue: [6, mapValue],
  bytesValue: [7, "base64"],
});
fill(keyValue, { key: [1, "text"], value: [2, anyValue] });
fill(resource, { attributes: [1, [keyValue]] });
fill(scope, { name: [1, "text"], version: [2, "text"], attributes: [3, [keyValue]] });
fill(exemplar, {
  timeUnixNano: [2, "fixed64"],
  asDouble: [3, "double"],
  spanId: [4, "hex"],
  traceId: [5, "hex"],
  asInt: [6, "sfixed64"],
  filteredAttributes: [7, [keyValue]],
});
fill(numberPoint, {
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  asDouble: [4, "double"],
  exemplars: [5, [exemplar]],
  asInt: [6, "sfixed64"],
  attributes: [7, [keyValue]],
  flags: [8, "uint32"],
});
fill(histogramPoint, {
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double"],
  bucketCounts: [6, "fixed64s"],
  explicitBounds: [7, "doubles"],
  exemplars: [8, [exemplar]],
  attributes: [9, [keyValue]],
  flags: [10, "uint32"],
});
fill(buckets, { offset: [1, "sint32"], bucketCounts: [2, "uint64s"] });
fill(exponentialPoint, {
  attributes: [1, [keyValue]],
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double"],
  scale: [6, "sint32"],
  zeroCount: [7, "fixed64"],
  positive: [8, buckets],
  negative: [9, buckets],
  flags: [10, "uint32"],
  exemplars: [11, [exemplar]],
});
fill(quantile, { quantile: [1, "double"], value: [2, "double"] });
fill(summaryPoint, {
  startTimeUnixNano: [2, "fixed64"],
  timeUnixNano: [3, "fixed64"],
  count: [4, "fixed64"],
  sum: [5, "double"],
  quantileValues: [6, [quantile]],
  attributes: [7, [keyValue]],
  flags: [8, "uint32"],
});
fill(metric, {
  name: [1, "text"],
  description: [2, "text"],
  unit: [3, "text"],
  gauge: [5, data(numberPoint)],
  sum: [7, data(numberPoint, { ...temporality, isMonotonic: [3, "bool"] })],
  histogram: [9, data(histogramPoint, temporality)],
  exponentialHistogram: [10, data(exponentialPoint, temporality)],
  summary: [11, data(summaryPoint)],
});
fill(scopeMetrics, { scope: [1, scope], metrics: [2, [metric]], schemaUrl: [3, "text"] });
fill(resourceMetrics, { resource: [1, resource], scopeMetrics: [2, [scopeMetrics]], schemaUrl: [3, "text"] });
fill(REQUEST, { resourceMetrics: [1, [resourceMetrics]] });
