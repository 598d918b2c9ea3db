// One step in an alert's life, as a line of the history's files: `CRC JSON`, the checksum in eight hexadecimal digits being
// that of the JSON's bytes (CRC-32C). A line that was torn or damaged is told by its checksum, and passed over.
import { crc32c } from "@narthex/encoding";
import { formatFloat, Labels, parseFloatStrict } from "@narthex/model";

export const HISTORY_STATES = ["pending", "firing", "resolved", "inactive"] as const;
export type HistoryState = (typeof HISTORY_STATES)[number];

/** Times in milliseconds since the epoch. */
export interface HistoryRecord {
  /** The evaluation that saw it. */
  readonly t: number;
  /** "resolved" after firing, "inactive" after pending alone. */
  readonly state: HistoryState;
  /** The alert's, its name among them. */
  readonly labels: Labels;
  readonly value: number;
  /** Since when its condition held. */
  readonly activeAt: number;
  readonly group: string;
  readonly file: string;
}

/** Longer lines are not kept: labels beyond this are no names any more. */
export const MAX_LINE_BYTES: number = 64 * 1024;
const CHECKSUM_DIGITS = 8;

/** The line, its newline included; undefined when it would be too long. */
export function encodeRecord({ t, state, labels, value, activeAt, group, file }: HistoryRecord): Buffer | undefined {
  const json = JSON.stringify({ t, s: state, l: labels.pairs, v: formatFloat(value), a: activeAt, g: group, f: file });
  const body = Buffer.from(json);
  if (body.length + CHECKSUM_DIGITS + 2 > MAX_LINE_BYTES) return undefined;
  return Buffer.concat([Buffer.from(`${checksum(body)} `), body, Buffer.from("\n")]);
}

/** Reads a line without its newline; undefined for what is no sound one. */
export function decodeRecord(line: Buffer): HistoryRecord | undefined {
  const body = line.subarray(CHECKSUM_DIGITS + 1);
  if (line[CHECKSUM_DIGITS] !== 0x20 || line.toString("latin1", 0, CHECKSUM_DIGITS) !== checksum(body))
    return undefined;
  try {
    return fromJson(JSON.parse(body.toString()));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function fromJson(json: unknown): HistoryRecord | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const { t, s, l, v, a, g, f } = json as Readonly<Record<string, unknown>>;
  const value = typeof v === "string" ? parseFloatStrict(v) : undefined;
  if (typeof t !== "number" || typeof a !== "number" || typeof g !== "string" || typeof f !== "string")
    return undefined;
  if (!HISTORY_STATES.includes(s as HistoryState) || value === undefined) return undefined;
  if (!Array.isArray(l) || l.length % 2 !== 0 || !l.every((text) => typeof text === "string")) return undefined;
  const pairs = Array.from({ length: l.length / 2 }, (_, i) => [l[2 * i], l[2 * i + 1]] as [string, string]);
  return { t, state: s as HistoryState, labels: Labels.fromUnsorted(pairs), value, activeAt: a, group: g, file: f };
}

function checksum(body: Buffer): string {
  return (crc32c(body) >>> 0).toString(16).padStart(CHECKSUM_DIGITS, "0");
}
