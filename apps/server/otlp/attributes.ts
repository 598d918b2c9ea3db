// Attributes: keys with values of any kind, which become text.
import { EncodingError, type WireReader } from "@narthex/encoding";
import { AnyValueField, KeyValueField, ListField } from "./fields.ts";

/** A key and its value as text. */
export type Attribute = readonly [key: string, value: string];

/** How deep values may lie in one another; deeper ones are refused, as reading them takes stack. */
const MAX_DEPTH = 64;

/** Reads the `KeyValue` message that `reader` stands in front of. Throws an `EncodingError` for bytes that are none. */
export function readAttribute(reader: WireReader): Attribute {
  const outer = reader.enter();
  const attribute = readKeyValue(reader, valueText);
  reader.leave(outer);
  return attribute;
}

/** Reads `KeyValue` messages that lie one behind the other in `bytes[start, end)`, each with its length in front. */
export function readAttributes(reader: WireReader, bytes: Uint8Array, start: number, end: number): Attribute[] {
  const attributes: Attribute[] = [];
  reader.reset(bytes, start, end);
  while (reader.remaining > 0) {
    const length = reader.uvarint();
    const after = reader.position + length;
    if (length > reader.remaining) throw new EncodingError("truncated", "input ends too early", reader.position);
    const outer = reader.end;
    reader.end = after;
    attributes.push(readKeyValue(reader, valueText));
    reader.leave(outer);
  }
  return attributes;
}

function readKeyValue(reader: WireReader, read: (reader: WireReader, depth: number) => string, depth = 0): Attribute {
  let key = "";
  let value: string | undefined;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === KeyValueField.key) key = reader.textField();
    else if (field === KeyValueField.value) {
      const outer = reader.enter();
      value = read(reader, depth);
      reader.leave(outer);
    } else reader.skipField();
  }
  // A value that is not there is one that is empty.
  return [key, value ?? (read === valueText ? "" : "null")];
}

/** A value as it stands in a label: text as it is, lists and maps as JSON. `reader` is inside of the message. */
function valueText(reader: WireReader, depth: number): string {
  let text = "";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case AnyValueField.text:
        text = reader.textField();
        break;
      case AnyValueField.double:
        text = doubleText(reader.doubleField());
        break;
      case AnyValueField.bytes:
        text = base64(reader.bytesField());
        break;
      default:
        text = readRest(reader, field, depth) ?? text;
    }
  }
  return text;
}

/** A value as JSON, as it stands within lists and maps. Numbers that JSON has no word for spoil the whole: then it is "". */
function valueJson(reader: WireReader, depth: number): string {
  let json = "null";
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case AnyValueField.text:
        json = jsonText(reader.textField());
        break;
      case AnyValueField.double: {
        const value = reader.doubleField();
        if (!Number.isFinite(value)) throw new NoJsonError();
        json = doubleText(value);
        break;
      }
      case AnyValueField.bytes:
        json = jsonText(base64(reader.bytesField()));
        break;
      default:
        json = readRest(reader, field, depth) ?? json;
    }
  }
  return json;
}

/** What looks the same alone and within JSON; undefined for a field that is no value. */
function readRest(reader: WireReader, field: number, depth: number): string | undefined {
  switch (field) {
    case AnyValueField.bool:
      return String(reader.boolField());
    case AnyValueField.int:
      reader.varint64Field();
      return intText(reader.high, reader.low);
    case AnyValueField.array:
      return readList(reader, depth, readArray);
    case AnyValueField.map:
      return readList(reader, depth, readMap);
    default:
      reader.skipField();
      return undefined;
  }
}

function readList(reader: WireReader, depth: number, read: (reader: WireReader, depth: number) => string): string {
  if (depth >= MAX_DEPTH) throw new EncodingError("corrupt", "attribute values nested too deep", reader.position);
  const outer = reader.enter();
  const { end } = reader;
  let json = "";
  try {
    json = read(reader, depth + 1);
  } catch (error) {
    // It goes up to the outermost list.
    if (!(error instanceof NoJsonError) || depth > 0) throw error;
    reader.end = end;
  }
  reader.leave(outer);
  return json;
}

function readArray(reader: WireReader, depth: number): string {
  const items: string[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field !== ListField.values) {
      reader.skipField();
      continue;
    }
    const outer = reader.enter();
    items.push(valueJson(reader, depth));
    reader.leave(outer);
  }
  return `[${items.join()}]`;
}

/** Keys in order; of equal ones the last counts. */
function readMap(reader: WireReader, depth: number): string {
  const entries = new Map<string, string>();
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field !== ListField.values) {
      reader.skipField();
      continue;
    }
    const outer = reader.enter();
    const [key, value] = readKeyValue(reader, valueJson, depth);
    reader.leave(outer);
    entries.set(key, value);
  }
  const sorted = [...entries].sort(([a], [b]) => (Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${jsonText(key)}:${value}`).join()}}`;
}

/** A number among the values that JSON cannot write. */
class NoJsonError extends Error {}

/** As the reference's platform writes JSON: what HTML gives a meaning to is escaped. */
function jsonText(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function doubleText(value: number): string {
  if (Number.isNaN(value)) return "json: unsupported value: NaN";
  if (!Number.isFinite(value)) return `json: unsupported value: ${value > 0 ? "+Inf" : "-Inf"}`;
  return Object.is(value, -0) ? "-0" : String(value);
}

function intText(high: number, low: number): string {
  const value = (high | 0) * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? String(value) : String((BigInt(high | 0) << 32n) | BigInt(low));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
