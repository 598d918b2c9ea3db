// What an Alertmanager says inside the messages of its cluster: a change of one state, or all states.
//
// Source: the reference's `cluster.proto`.
import { WireReader, WireWriter } from "@narthex/encoding";

const PART = { key: 1, data: 2 } as const;
const FULL_STATE = { parts: 1 } as const;
/** There are two states; whoever sends more than this many parts is no Alertmanager. */
const MAX_PARTS = 64;

/** Records of the state `key`, one behind the other with their lengths. */
export interface Part {
  readonly key: string;
  readonly data: Uint8Array;
}

export function encodePart(part: Part): Uint8Array {
  const writer = new WireWriter(part.data.length + 16);
  writePart(writer, part);
  return writer.toBytes();
}

/** The data is a view. Throws for what is no part. */
export function decodePart(bytes: Uint8Array): Part {
  return readPart(new WireReader(bytes));
}

export function encodeFullState(parts: readonly Part[]): Uint8Array {
  const writer = new WireWriter();
  for (const part of parts) {
    const mark = writer.begin(FULL_STATE.parts);
    writePart(writer, part);
    writer.end(mark);
  }
  return writer.toBytes();
}

/** The data are views. Throws for what is no state. */
export function decodeFullState(bytes: Uint8Array): Part[] {
  const reader = new WireReader(bytes);
  const parts: Part[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field !== FULL_STATE.parts) {
      reader.skipField();
      continue;
    }
    if (parts.length === MAX_PARTS) throw new Error(`a state of more than ${MAX_PARTS} parts`);
    const outer = reader.enter();
    parts.push(readPart(reader));
    reader.leave(outer);
  }
  return parts;
}

function writePart(writer: WireWriter, { key, data }: Part): void {
  writer.textField(PART.key, key);
  if (data.length > 0) writer.bytesField(PART.data, data);
}

function readPart(reader: WireReader): Part {
  let key = "";
  let data: Uint8Array = new Uint8Array(0);
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === PART.key) key = reader.textField();
    else if (field === PART.data) data = reader.bytesField();
    else reader.skipField();
  }
  return { key, data };
}
