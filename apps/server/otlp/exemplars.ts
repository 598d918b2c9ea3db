// Exemplars of OpenTelemetry's points.
import type { WireReader } from "@narthex/encoding";
import { type Exemplar, Labels } from "@narthex/model";
import { type Attribute, readAttribute } from "./attributes.ts";
import { ExemplarField } from "./fields.ts";
import { readTime } from "./point-reader.ts";

/** Characters of all labels together; attributes that would go beyond are left out. Source: OpenMetrics. */
const MAX_CHARACTERS = 128;

/** An exemplar, or why there is none. */
export function readExemplar(reader: WireReader, start: number, end: number): Exemplar | string {
  reader.reset(reader.bytes, start, end);
  let t = 0;
  let value: number | undefined;
  let traceId = "";
  let spanId = "";
  const attributes: Attribute[] = [];
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case ExemplarField.time:
        t = readTime(reader);
        break;
      case ExemplarField.asDouble:
        value = reader.doubleField();
        break;
      case ExemplarField.asInt:
        reader.doubleBitsField();
        value = (reader.high | 0) * 0x1_0000_0000 + reader.low;
        break;
      case ExemplarField.spanId:
        spanId = hex(reader.bytesField());
        break;
      case ExemplarField.traceId:
        traceId = hex(reader.bytesField());
        break;
      case ExemplarField.attributes:
        attributes.push(readAttribute(reader));
        break;
      default:
        reader.skipField();
    }
  }
  if (value === undefined) return "unsupported exemplar value type: Empty";
  const labels: Attribute[] = [];
  if (traceId !== "") labels.push(["trace_id", traceId]);
  if (spanId !== "") labels.push(["span_id", spanId]);
  if (characters(labels) + characters(attributes) <= MAX_CHARACTERS) labels.push(...attributes);
  return { labels: Labels.fromUnsorted(labels), value, t };
}

/** "" for an id of nothing but zeros: that is none. */
function hex(bytes: Uint8Array): string {
  return bytes.every((byte) => byte === 0)
    ? ""
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}

function characters(attributes: readonly Attribute[]): number {
  let count = 0;
  for (const [key, value] of attributes) count += codePoints(key) + codePoints(value);
  return count;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
