// Requests of remote read.
import { compress, WireWriter } from "@narthex/encoding";
import type { Matcher, MatchType } from "@narthex/model";
import { ResponseType } from "../read/read-request.ts";
import { HintsField, MatcherField, QueryField, ReadRequestField } from "../wire.ts";

/** What is asked for. Times in milliseconds, both included. */
export interface ReadQuery {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  readonly stepMs: number;
  /** 0 for instant selectors. */
  readonly rangeMs: number;
  /** The function or aggregation around the selector; "series" when no samples are wanted. */
  readonly func: string;
  readonly grouping: readonly string[];
  readonly by: boolean;
}

const TYPES: Readonly<Record<MatchType, number>> = { "=": 0, "!=": 1, "=~": 2, "!~": 3 };

/** One query as a compressed `ReadRequest`; streamed chunks are liked better than samples. */
export function encodeReadRequest(query: ReadQuery): Uint8Array {
  const writer = new WireWriter(512);
  const entry = writer.begin(ReadRequestField.queries);
  if (query.minTime !== 0) writer.intField(QueryField.start, query.minTime);
  if (query.maxTime !== 0) writer.intField(QueryField.end, query.maxTime);
  for (const { type, name, value } of query.matchers) {
    const matcher = writer.begin(QueryField.matchers);
    if (TYPES[type] !== 0) writer.uintField(MatcherField.type, TYPES[type]);
    writer.textField(MatcherField.name, name);
    if (value !== "") writer.textField(MatcherField.value, value);
    writer.end(matcher);
  }
  const hints = writer.begin(QueryField.hints);
  if (query.stepMs !== 0) writer.intField(HintsField.step, query.stepMs);
  if (query.func !== "") writer.textField(HintsField.func, query.func);
  if (query.minTime !== 0) writer.intField(HintsField.start, query.minTime);
  if (query.maxTime !== 0) writer.intField(HintsField.end, query.maxTime);
  for (const name of query.grouping) writer.textField(HintsField.grouping, name);
  if (query.by) writer.uintField(HintsField.by, 1);
  if (query.rangeMs !== 0) writer.intField(HintsField.range, query.rangeMs);
  writer.end(hints);
  writer.end(entry);
  const types = writer.begin(ReadRequestField.acceptedResponseTypes);
  writer.uvarint(ResponseType.streamedXorChunks);
  writer.uvarint(ResponseType.samples);
  writer.end(types);
  return compress(writer.view());
}
