export { ExpositionError } from "./errors.ts";
export { canonicalFloat, parseFloatBytes, parseFloatText, scanDecimal } from "./float.ts";
export { OpenMetricsParser } from "./openmetrics-parser.ts";
export { type ExposedExemplar, ProtobufParser, readProtobufLabels } from "./protobuf-parser.ts";
export { MAX_QUOTED_BYTES, quoteBytes, quoteText } from "./quote.ts";
export { Entry, METRIC_TYPES, SampleParser } from "./sample-parser.ts";
export { TextParser } from "./text-parser.ts";
