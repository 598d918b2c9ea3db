// The format of profiles that `go tool pprof` and profile stores read: a protobuf message with one table of strings, packed with gzip.
// Fields: https://github.com/google/pprof/blob/main/proto/profile.proto
import { gzipSync } from "node:zlib";
import { WireWriter } from "@narthex/encoding";
import type { CallNode, CallTree, Frame, ValueType } from "./call-tree.ts";

const PROFILE = {
  sampleType: 1,
  sample: 2,
  location: 4,
  function: 5,
  strings: 6,
  timeNanos: 9,
  durationNanos: 10,
  periodType: 11,
  period: 12,
} as const;
const VALUE_TYPE = { type: 1, unit: 2 } as const;
const SAMPLE = { locations: 1, values: 2 } as const;
const LOCATION = { id: 1, line: 4 } as const;
const LINE = { function: 1, line: 2 } as const;
const FUNCTION = { id: 1, name: 2, systemName: 3, file: 4, startLine: 5 } as const;

/** Numbers things from 1 on, each once. */
class Numbered<T> {
  readonly all: T[] = [];
  readonly #ids = new Map<string, number>();

  id(key: string, thing: T): number {
    let id = this.#ids.get(key);
    if (id === undefined) {
      id = this.all.push(thing);
      this.#ids.set(key, id);
    }
    return id;
  }
}

/** The message, packed. */
export function encodePprof(tree: CallTree): Uint8Array {
  const writer = new WireWriter();
  const strings = new Numbered<string>();
  // String 0 is the empty one; `Numbered` begins with 1.
  const text = (value: string): number => (value === "" ? 0 : strings.id(value, value));
  const frames = new Numbered<Frame>();
  const valueType = (field: number, { type, unit }: ValueType): void => {
    const mark = writer.begin(field);
    writer.intField(VALUE_TYPE.type, text(type));
    writer.intField(VALUE_TYPE.unit, text(unit));
    writer.end(mark);
  };
  for (const each of tree.valueTypes) valueType(PROFILE.sampleType, each);
  for (const node of tree.nodes) {
    if (node.values.every((value) => value === 0)) continue;
    const sample = writer.begin(PROFILE.sample);
    const locations = writer.begin(SAMPLE.locations);
    // From the function itself to who began it all; the root of the tree is no function.
    for (let each: CallNode | undefined = node; each?.parent !== undefined; each = each.parent)
      writer.uvarint(frames.id(keyOf(each.frame), each.frame));
    writer.end(locations);
    const values = writer.begin(SAMPLE.values);
    for (const value of node.values) writer.packedInt(Math.round(value));
    writer.end(values);
    writer.end(sample);
  }
  frames.all.forEach((frame, i) => {
    writeFrame(writer, i + 1, frame, text);
  });
  writer.intField(PROFILE.timeNanos, tree.startedAtMs * 1e6);
  writer.intField(PROFILE.durationNanos, Math.round(tree.durationMs * 1e6));
  valueType(PROFILE.periodType, tree.periodType);
  writer.intField(PROFILE.period, tree.period);
  writer.textField(PROFILE.strings, "");
  for (const each of strings.all) writer.textField(PROFILE.strings, each);
  return gzipSync(writer.bytes.subarray(0, writer.length));
}

/** Each frame is one location in one function: lines within functions are not told apart. */
function writeFrame(writer: WireWriter, id: number, frame: Frame, text: (value: string) => number): void {
  const { functionName, url, lineNumber } = frame;
  const line = lineNumber + 1;
  const name = text(functionName === "" ? `(anonymous:${line})` : functionName);
  const location = writer.begin(PROFILE.location);
  writer.uintField(LOCATION.id, id);
  const lines = writer.begin(LOCATION.line);
  writer.uintField(LINE.function, id);
  writer.intField(LINE.line, line);
  writer.end(lines);
  writer.end(location);
  const mark = writer.begin(PROFILE.function);
  writer.uintField(FUNCTION.id, id);
  writer.intField(FUNCTION.name, name);
  writer.intField(FUNCTION.systemName, name);
  writer.intField(FUNCTION.file, text(url.replace(/^file:\/\//, "")));
  writer.intField(FUNCTION.startLine, line);
  writer.end(mark);
}

function keyOf({ functionName, url, lineNumber }: Frame): string {
  return `${functionName}\u0000${url}\u0000${lineNumber}`;
}
