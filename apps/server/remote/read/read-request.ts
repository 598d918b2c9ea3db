// What is asked by remote read.
import { EncodingError, WireReader } from "@narthex/encoding";
import type { MatchType } from "@narthex/model";
import { readTime } from "../histogram-wire.ts";
import { HintsField, MatcherField, QueryField, ReadRequestField } from "../wire.ts";

/** A matcher as plain data: compiled ones cannot cross a thread. */
export interface PlainMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
}

/** One query; times in milliseconds, both included. */
export interface RemoteReadQuery {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly PlainMatcher[];
  /** The asker wants series, no samples. */
  readonly labelsOnly: boolean;
}

/** The answers that can be asked for. */
export const ResponseType = { samples: 0, streamedXorChunks: 1 } as const;

export interface ReadRequest {
  readonly queries: readonly RemoteReadQuery[];
  /** In the asker's order; may name what nobody knows. */
  readonly acceptedTypes: readonly number[];
}

const MATCH_TYPES: readonly MatchType[] = ["=", "!=", "=~", "!~"];

/** Reads a `ReadRequest`. Throws an `EncodingError` for bytes that are none. */
export function readReadRequest(bytes: Uint8Array): ReadRequest {
  const reader = new WireReader(bytes);
  const queries: RemoteReadQuery[] = [];
  const acceptedTypes: number[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === ReadRequestField.queries) {
      const outer = reader.enter();
      queries.push(readQuery(reader));
      reader.leave(outer);
    } else if (field === ReadRequestField.acceptedResponseTypes) readTypes(reader, acceptedTypes);
    else reader.skipField();
  }
  return { queries, acceptedTypes };
}

function readTypes(reader: WireReader, into: number[]): void {
  if (reader.wireType === 0) {
    into.push(reader.intField());
    return;
  }
  const outer = reader.enter();
  while (reader.remaining > 0) into.push(reader.packedInt());
  reader.leave(outer);
}

function readQuery(reader: WireReader): RemoteReadQuery {
  let start = 0;
  let end = 0;
  let hints: { start: number; end: number; func: string } | undefined;
  const matchers: PlainMatcher[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === QueryField.start) start = readTime(reader);
    else if (field === QueryField.end) end = readTime(reader);
    else if (field === QueryField.matchers) {
      const outer = reader.enter();
      matchers.push(readMatcher(reader));
      reader.leave(outer);
    } else if (field === QueryField.hints) {
      const outer = reader.enter();
      hints = readHints(reader);
      reader.leave(outer);
    } else reader.skipField();
  }
  // Where hints are given, the reference takes the range of samples from them.
  return {
    minTime: hints === undefined ? start : Math.max(start, hints.start),
    maxTime: hints === undefined ? end : Math.min(end, hints.end),
    matchers,
    labelsOnly: hints?.func === "series",
  };
}

function readMatcher(reader: WireReader): PlainMatcher {
  let type: MatchType = "=";
  let name = "";
  let value = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === MatcherField.type) {
      const found = MATCH_TYPES[reader.uintField()];
      if (found === undefined) throw new EncodingError("corrupt", "invalid matcher type", reader.position);
      type = found;
    } else if (field === MatcherField.name) name = reader.textField();
    else if (field === MatcherField.value) value = reader.textField();
    else reader.skipField();
  }
  return { type, name, value };
}

function readHints(reader: WireReader): { start: number; end: number; func: string } {
  const hints = { start: 0, end: 0, func: "" };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === HintsField.start) hints.start = readTime(reader);
    else if (field === HintsField.end) hints.end = readTime(reader);
    else if (field === HintsField.func) hints.func = reader.textField();
    else reader.skipField();
  }
  return hints;
}
