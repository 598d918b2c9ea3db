// Where a log line was written: `file.ts:line` of the caller, as the source has it.
import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

/** One entry per call of the logger in the code, hence bounded by the code; the limit guards generated code. */
const MAX_SITES = 10_000;
const sites = new Map<string, string>();
const sourceMaps = new Map<string, SourceMap | undefined>();

/**
 * The place that called `below`, or "unknown:0". Costs a stack frame of a few microseconds, so ask only for lines that
 * are printed. Compiled places are looked up once in the source map beside the file.
 */
// biome-ignore lint/complexity/noBannedTypes: captureStackTrace takes any function
export function callSite(below: Function): string {
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = limit;
  const stack = holder.stack ?? "";
  const frame = stack.slice(stack.indexOf("\n") + 1);
  let site = sites.get(frame);
  if (site === undefined) {
    site = describe(frame);
    if (sites.size < MAX_SITES) sites.set(frame, site);
  }
  return site;
}

function describe(frame: string): string {
  const place = /\(?((?:file:\/\/)?[^()\s]+):(\d+):(\d+)\)?$/.exec(frame.trim());
  if (place === null) return "unknown:0";
  const [, address, lineText, columnText] = place as unknown as [string, string, string, string];
  const path = address.startsWith("file://") ? fileURLToPath(address) : address;
  const line = Number(lineText);
  const known = siteTableOf(path)[lineText];
  if (known !== undefined) return known;
  const entry = sourceMapOf(path)?.findEntry(line - 1, Number(columnText) - 1);
  if (entry !== undefined && "originalSource" in entry) {
    return `${basename(entry.originalSource)}:${entry.originalLine + 1}`;
  }
  return `${basename(path)}:${line}`;
}

const siteTables = new Map<string, Readonly<Record<string, string>>>();

/**
 * Places by line of a bundle. Its build leaves them in `PATH.sites.json`, since reading a bundle's whole source map for
 * the first line of a log would take longer than starting the program.
 */
function siteTableOf(path: string): Readonly<Record<string, string>> {
  let table = siteTables.get(path);
  if (table === undefined) {
    try {
      table = JSON.parse(readFileSync(`${path}.sites.json`, "utf8")) as Record<string, string>;
    } catch {
      table = {};
    }
    siteTables.set(path, table);
  }
  return table;
}

function sourceMapOf(path: string): SourceMap | undefined {
  if (!sourceMaps.has(path)) {
    let map: SourceMap | undefined;
    try {
      map = path.endsWith(".js") ? new SourceMap(JSON.parse(readFileSync(`${path}.map`, "utf8"))) : undefined;
    } catch {
      // Without a map the compiled place is shown.
    }
    sourceMaps.set(path, map);
  }
  return sourceMaps.get(path);
}
