// Messages of the schema of events, as JSON spells them. Source: the JSON mapping of protocol buffers, and the reference's schema
// `eventrecorder.proto`: names in lower camel case, 64-bit integers as texts, values that are the default left out.
import { Moment } from "../moment/moment.ts";

export type Message = Readonly<Record<string, unknown>>;

/** A message of the fields that have something to say: `""`, 0, false, empty lists and undefined are left out. Keeps the order. */
export function message(fields: Message): Message {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (!isDefault(value)) kept[name] = value;
  return kept;
}

function isDefault(value: unknown): boolean {
  return (
    value === undefined ||
    value === "" ||
    value === 0 ||
    value === "0" ||
    value === false ||
    (Array.isArray(value) && value.length === 0)
  );
}

/** In UTC with 0, 3, 6 or 9 digits behind the second. Throws an `Error` for years before 1 and after 9999. */
export function timestamp(moment: Moment): string {
  const utc = moment.inOffset(0);
  if (!utc.isWritable) throw new Error(`the moment ${moment.seconds}.${moment.nanos} cannot be written as a timestamp`);
  return `${utc.toRfc3339().slice(0, -1)}${fraction(utc.nanos)}Z`;
}

/** Milliseconds as seconds with 0, 3, 6 or 9 digits: `14400s`, `0.500s`. */
export function durationText(ms: number): string {
  const { seconds, nanos } = Moment.fromMs(ms);
  return `${seconds}${fraction(nanos)}s`;
}

function fraction(nanos: number): string {
  return nanos === 0
    ? ""
    : `.${String(nanos)
        .padStart(9, "0")
        .replace(/(?:000)+$/, "")}`;
}
