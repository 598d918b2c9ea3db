// Reading times as the reference's API reads them. Source: go-openapi's `strfmt`, whose list of layouts this is.
import { Moment } from "./moment.ts";

/** Date, time, fraction, zone; the older layouts leave parts away. */
const WITH_ZONE = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:?\d{2})$/;
const LOCAL = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?)?$/;
const SHORT = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})Z?$/;

/** Parses a time; "" is the epoch. Throws an error in the words of Go's parser for its last layout, `2006-01-02`. */
export function parseApiTime(text: string): Moment {
  if (text === "") return new Moment(0, 0);
  const match = WITH_ZONE.exec(text) ?? LOCAL.exec(text) ?? SHORT.exec(text);
  const moment = match === null ? undefined : momentOf(match);
  if (moment === undefined) throw new Error(`parsing time ${JSON.stringify(text)}${problemOf(text)}`);
  return moment;
}

/** RFC 3339 alone, as configurations and tools write times. */
export function parseRfc3339(text: string): Moment | undefined {
  const match = WITH_ZONE.exec(text);
  return match === null ? undefined : momentOf(match);
}

function momentOf(match: RegExpExecArray): Moment | undefined {
  const [, year, month, day, hour = 0, minute = 0, second = 0] = match.map(Number);
  const fraction = match[7] ?? "";
  const zone = match[8] ?? "Z";
  if (!isDate(year as number, month as number, day as number) || hour > 23 || minute > 59 || second > 59)
    return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year as number, (month as number) - 1, day as number);
  date.setUTCHours(hour, minute, second);
  const offset = offsetOf(zone);
  return new Moment(date.getTime() / 1000 - offset * 60, Number(fraction.slice(0, 9).padEnd(9, "0")), offset);
}

function offsetOf(zone: string): number {
  if (zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return zone.startsWith("-") ? -minutes : minutes;
}

function isDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** What Go says about `text` when it reads it as `2006-01-02`. */
function problemOf(text: string): string {
  const cannot = (rest: string, part: string): string =>
    ` as "2006-01-02": cannot parse ${JSON.stringify(rest)} as "${part}"`;
  if (!/^\d{4}/.test(text)) return cannot(text, "2006");
  if (text[4] !== "-") return cannot(text.slice(4), "-");
  if (!/^\d{2}/.test(text.slice(5))) return cannot(text.slice(5), "01");
  const month = Number(text.slice(5, 7));
  if (month < 1 || month > 12) return ": month out of range";
  if (text[7] !== "-") return cannot(text.slice(7), "-");
  if (!/^\d{2}/.test(text.slice(8))) return cannot(text.slice(8), "02");
  if (!isDate(Number(text.slice(0, 4)), month, Number(text.slice(8, 10)))) return ": day out of range";
  return `: extra text: ${JSON.stringify(text.slice(10))}`;
}
