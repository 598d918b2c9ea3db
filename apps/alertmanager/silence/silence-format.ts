// Silences as bytes: `MeshSilence` of the reference's `silence.proto`, in its snapshot and between peers.
import { WireReader, WireWriter } from "@narthex/encoding";
import { LabelMatcher, type MatchType } from "../matcher/matcher.ts";
import { Moment } from "../moment/moment.ts";
import { readTimestamp, writeTimestamp } from "../state/timestamp.ts";
import type { KeptSilence, Silence } from "./silence.ts";
import { timeProblem } from "./silence-check.ts";

const MESH = { silence: 1, expiresAt: 2 } as const;
const SILENCE = {
  id: 1,
  /** What older versions read: the first of the sets. */
  matchers: 2,
  startsAt: 3,
  endsAt: 4,
  updatedAt: 5,
  /** Once there could be several, and authors stood in them. */
  comments: 7,
  createdBy: 8,
  comment: 9,
  annotations: 10,
  matcherSets: 11,
} as const;
const MATCHER = { type: 1, name: 2, pattern: 3 } as const;
const SET_MATCHERS = 1;
const OLD_COMMENT = { author: 1, comment: 2 } as const;
const ENTRY = { key: 1, value: 2 } as const;
/** By the number of the enumeration. */
const TYPES: readonly MatchType[] = ["=", "=~", "!=", "!~"];

/** Without the length in front. */
export function encodeSilence({ silence, expiresAt }: KeptSilence): Uint8Array {
  return encode(silence, expiresAt, true);
}

/** Bytes that count against the limit of one silence: its first matchers are not counted twice. */
export function silenceBytes({ silence, expiresAt }: KeptSilence): number {
  return encode(silence, expiresAt, false).length;
}

function encode(silence: Silence, expiresAt: Moment, withOldMatchers: boolean): Uint8Array {
  const writer = new WireWriter();
  const mark = writer.begin(MESH.silence);
  writeText(writer, SILENCE.id, silence.id);
  if (withOldMatchers)
    for (const matcher of silence.matcherSets[0] ?? []) writeMatcher(writer, SILENCE.matchers, matcher);
  writeTimestamp(writer, SILENCE.startsAt, silence.startsAt);
  writeTimestamp(writer, SILENCE.endsAt, silence.endsAt);
  writeTimestamp(writer, SILENCE.updatedAt, silence.updatedAt);
  writeText(writer, SILENCE.createdBy, silence.createdBy);
  writeText(writer, SILENCE.comment, silence.comment);
  for (const [key, value] of silence.annotations) {
    const entry = writer.begin(SILENCE.annotations);
    writer.textField(ENTRY.key, key);
    writer.textField(ENTRY.value, value);
    writer.end(entry);
  }
  for (const matchers of silence.matcherSets) {
    const set = writer.begin(SILENCE.matcherSets);
    for (const matcher of matchers) writeMatcher(writer, SET_MATCHERS, matcher);
    writer.end(set);
  }
  writer.end(mark);
  writeTimestamp(writer, MESH.expiresAt, expiresAt);
  return writer.toBytes();
}

function writeText(writer: WireWriter, field: number, text: string): void {
  if (text !== "") writer.textField(field, text);
}

function writeMatcher(writer: WireWriter, field: number, { type, name, value }: LabelMatcher): void {
  const mark = writer.begin(field);
  const number = TYPES.indexOf(type);
  if (number !== 0) writer.uintField(MATCHER.type, number);
  writeText(writer, MATCHER.name, name);
  writeText(writer, MATCHER.pattern, value);
  writer.end(mark);
}

/** Throws for what is no silence, for one whose patterns cannot be compiled, and for one whose times cannot be shown. */
export function decodeSilence(bytes: Uint8Array): KeptSilence {
  const reader = new WireReader(bytes);
  let silence: Silence | undefined;
  let expiresAt = Moment.zero;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === MESH.silence) silence = readSilence(reader);
    else if (field === MESH.expiresAt) expiresAt = readTimestamp(reader);
    else reader.skipField();
  }
  if (silence === undefined) throw new Error("invalid state");
  const problem = timeProblem(silence);
  if (problem !== undefined) throw new Error(problem);
  return { silence, expiresAt };
}

function readSilence(reader: WireReader): Silence {
  const outer = reader.enter();
  const draft = {
    id: "",
    matcherSets: [] as LabelMatcher[][],
    startsAt: Moment.zero,
    endsAt: Moment.zero,
    updatedAt: Moment.zero,
    createdBy: "",
    comment: "",
    annotations: new Map<string, string>(),
  };
  const oldMatchers: LabelMatcher[] = [];
  let oldComment: { author: string; comment: string } | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SILENCE.id) draft.id = reader.textField();
    else if (field === SILENCE.matchers) oldMatchers.push(readMatcher(reader));
    else if (field === SILENCE.startsAt) draft.startsAt = readTimestamp(reader);
    else if (field === SILENCE.endsAt) draft.endsAt = readTimestamp(reader);
    else if (field === SILENCE.updatedAt) draft.updatedAt = readTimestamp(reader);
    else if (field === SILENCE.comments) oldComment ??= readOldComment(reader);
    else if (field === SILENCE.createdBy) draft.createdBy = reader.textField();
    else if (field === SILENCE.comment) draft.comment = reader.textField();
    else if (field === SILENCE.annotations) readEntry(reader, draft.annotations);
    else if (field === SILENCE.matcherSets) draft.matcherSets.push(readSet(reader));
    else reader.skipField();
  }
  reader.leave(outer);
  if (draft.matcherSets.length === 0 && oldMatchers.length > 0) draft.matcherSets.push(oldMatchers);
  if (oldComment !== undefined) {
    draft.createdBy = oldComment.author;
    draft.comment = oldComment.comment;
  }
  return draft;
}

function readMatcher(reader: WireReader): LabelMatcher {
  const outer = reader.enter();
  let type = 0;
  let name = "";
  let pattern = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === MATCHER.type) type = reader.uintField();
    else if (field === MATCHER.name) name = reader.textField();
    else if (field === MATCHER.pattern) pattern = reader.textField();
    else reader.skipField();
  }
  reader.leave(outer);
  const known = TYPES[type];
  if (known === undefined) throw new Error(`unknown matcher type "${type}"`);
  return new LabelMatcher(known, name, pattern);
}

function readSet(reader: WireReader): LabelMatcher[] {
  const outer = reader.enter();
  const matchers: LabelMatcher[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === SET_MATCHERS) matchers.push(readMatcher(reader));
    else reader.skipField();
  }
  reader.leave(outer);
  return matchers;
}

function readOldComment(reader: WireReader): { author: string; comment: string } {
  const outer = reader.enter();
  const found = { author: "", comment: "" };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === OLD_COMMENT.author) found.author = reader.textField();
    else if (field === OLD_COMMENT.comment) found.comment = reader.textField();
    else reader.skipField();
  }
  reader.leave(outer);
  return found;
}

function readEntry(reader: WireReader, into: Map<string, string>): void {
  const outer = reader.enter();
  let key = "";
  let value = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === ENTRY.key) key = reader.textField();
    else if (field === ENTRY.value) value = reader.textField();
    else reader.skipField();
  }
  reader.leave(outer);
  into.set(key, value);
}
