// Reading times by Go's layouts, for the templates that take them out of labels and annotations.
import { Moment } from "../moment/moment.ts";
import { GoTime } from "./go-time.ts";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const PART =
  /January|Jan|Monday|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|_2(?!006)|01|02|03|04|05|06|15|PM|pm|[.,][09]+(?!\d)|1|2|3|4|5/g;

/** What each part of a layout matches, and the name under which it is found. */
const PATTERNS: Readonly<Record<string, readonly [name: string, pattern: string]>> = {
  January: ["monthName", "[A-Za-z]{3,9}"],
  Jan: ["monthName", "[A-Za-z]{3}"],
  Monday: ["weekday", "[A-Za-z]{6,9}"],
  Mon: ["weekday", "[A-Za-z]{3}"],
  MST: ["zoneName", "[A-Z]{3,4}|[-+]\\d{2}"],
  "2006": ["year", "\\d{4}"],
  "06": ["shortYear", "\\d{2}"],
  "01": ["month", "\\d{2}"],
  "1": ["month", "\\d{1,2}"],
  "02": ["day", "\\d{2}"],
  "2": ["day", "\\d{1,2}"],
  _2: ["day", " ?\\d{1,2}"],
  "15": ["hour", "\\d{2}"],
  "03": ["hour", "\\d{2}"],
  "3": ["hour", "\\d{1,2}"],
  "04": ["minute", "\\d{2}"],
  "4": ["minute", "\\d{1,2}"],
  "05": ["second", "\\d{2}"],
  "5": ["second", "\\d{1,2}"],
  PM: ["half", "AM|PM"],
  pm: ["half", "am|pm"],
};

/** The time, or undefined for a text that does not have the layout. Without a zone it is UTC. */
export function parseGoTime(layout: string, text: string): GoTime | undefined {
  let source = "";
  let at = 0;
  for (const match of layout.matchAll(PART)) {
    source += literal(layout.slice(at, match.index)) + patternOf(match[0], source);
    at = match.index + match[0].length;
  }
  const found = new RegExp(`^${source}${literal(layout.slice(at))}$`).exec(text);
  return found === null ? undefined : timeOf(found.groups ?? {});
}

function literal(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

function patternOf(part: string, before: string): string {
  if (/^[.,]/.test(part)) return `(?:[.,](?<fraction>\\d+))${part[1] === "9" ? "?" : ""}`;
  if (part.startsWith("-07") || part.startsWith("Z07")) return `(?<zone>Z|[-+]\\d{2}(?::?\\d{2})?)`;
  const [name, pattern] = PATTERNS[part] as readonly [string, string];
  const group = before.includes(`<${name}>`) ? `(?:${pattern})` : `(?<${name}>${pattern})`;
  return group;
}

function timeOf(groups: Readonly<Record<string, string | undefined>>): GoTime | undefined {
  const number = (name: string, otherwise: number): number => Number(groups[name] ?? otherwise);
  const byName = MONTHS.indexOf((groups["monthName"] ?? "").slice(0, 3).toLowerCase()) + 1;
  const shortYear = groups["shortYear"] === undefined ? 0 : number("shortYear", 0);
  const year = groups["year"] !== undefined ? number("year", 0) : shortYear + (shortYear >= 69 ? 1900 : 2000);
  const month = byName > 0 ? byName : number("month", 1);
  const day = number("day", 1);
  let hour = number("hour", 0);
  const half = groups["half"]?.toLowerCase();
  if (half === "pm" && hour < 12) hour += 12;
  if (half === "am" && hour === 12) hour = 0;
  const minute = number("minute", 0);
  const second = number("second", 0);
  if (month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59) return undefined;
  if (day < 1 || day > new Date(Date.UTC(year, month, 0)).getUTCDate()) return undefined;
  const zone = (groups["zone"] ?? "Z").replace(":", "");
  const offset =
    zone === "Z" ? 0 : (zone.startsWith("-") ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3) || 0));
  const nanos = Number((groups["fraction"] ?? "").slice(0, 9).padEnd(9, "0"));
  const seconds = Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - offset * 60;
  return new GoTime(new Moment(seconds, nanos, offset));
}
