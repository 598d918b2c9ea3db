// Times on the command line: RFC 3339, refused in the words of Go's parser.
import type { Moment } from "../moment/moment.ts";
import { parseRfc3339 } from "../moment/parse.ts";
import { ToolError } from "./tool-error.ts";

const LAYOUT = "2006-01-02T15:04:05Z07:00";

/** What stands where, and what Go's layout calls it. */
const PARTS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^\d{4}/, "2006"],
  [/^-/, "-"],
  [/^\d{2}/, "01"],
  [/^-/, "-"],
  [/^\d{2}/, "02"],
  [/^T/, "T"],
  [/^\d{2}/, "15"],
  [/^:/, ":"],
  [/^\d{2}/, "04"],
  [/^:/, ":"],
  [/^\d{2}(?:[.,]\d+)?/, "05"],
  [/^(?:Z|[-+]\d{2}:\d{2})/, "Z07:00"],
];

/** Names of parts that have bounds, with the bounds. */
const BOUNDS: Readonly<Record<string, readonly [name: string, least: number, most: number]>> = {
  "01": ["month", 1, 12],
  "15": ["hour", 0, 23],
  "04": ["minute", 0, 59],
  "05": ["second", 0, 59],
};

/** Throws a `ToolError`. */
export function readTime(text: string): Moment {
  const moment = parseRfc3339(text);
  if (moment !== undefined && /(?:Z|:\d{2})$/.test(text)) return moment;
  throw new ToolError(`parsing time ${JSON.stringify(text)}${problemOf(text)}`);
}

function problemOf(text: string): string {
  let rest = text;
  for (const [pattern, name] of PARTS) {
    const found = pattern.exec(rest)?.[0];
    if (found === undefined) return ` as ${JSON.stringify(LAYOUT)}: cannot parse ${JSON.stringify(rest)} as "${name}"`;
    const bounds = BOUNDS[name];
    const value = Math.floor(Number(found.replace(",", ".")));
    if (bounds !== undefined && (value < bounds[1] || value > bounds[2])) return `: ${bounds[0]} out of range`;
    rest = rest.slice(found.length);
  }
  return rest === "" ? ": day out of range" : `: extra text: ${JSON.stringify(rest)}`;
}
