// Which format a scraper gets: its Accept header decides.
import { type EscapingScheme, escapeName } from "@narthex/model";

/** The formats of the scrape page. */
export type PageKind = "text" | "openmetrics" | "protobuf";

/** A format, and what becomes of names that the classic rules do not allow. */
export interface PageFormat {
  readonly kind: PageKind;
  readonly escaping: EscapingScheme;
  readonly contentType: string;
}

const ESCAPINGS: ReadonlySet<string> = new Set(["allow-utf-8", "underscores", "dots", "values"]);
/** A header of a sane client is short; what lies beyond is not read. */
const MAX_HEADER_CHARS = 4096;

interface Range {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The best format for an Accept header: highest q first, then in the header's order; text when nothing fits. */
export function negotiatePage(accept: string | undefined): PageFormat {
  let escaping: EscapingScheme = "underscores";
  for (const range of ranges(accept ?? "")) {
    const asked = range.parameters.get("escaping") ?? "";
    if (ESCAPINGS.has(asked)) escaping = asked as EscapingScheme;
    const contentType = contentTypeFor(range);
    if (contentType === undefined) continue;
    return { kind: contentType[0], escaping, contentType: `${contentType[1]}; escaping=${escaping}` };
  }
  return { kind: "text", escaping, contentType: `${TEXT}; escaping=${escaping}` };
}

const TEXT = "text/plain; version=0.0.4; charset=utf-8";
const PROTOBUF = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

function contentTypeFor({ type, parameters }: Range): readonly [PageKind, string] | undefined {
  const version = parameters.get("version") ?? "";
  switch (type) {
    case "application/openmetrics-text":
      if (!["", "0.0.1", "1.0.0"].includes(version)) return undefined;
      return ["openmetrics", `${type}; version=${version === "" ? "0.0.1" : version}; charset=utf-8`];
    case "application/vnd.google.protobuf":
      return parameters.get("proto") === "io.prometheus.client.MetricFamily" &&
        parameters.get("encoding") === "delimited"
        ? ["protobuf", PROTOBUF]
        : undefined;
    case "text/plain":
    case "text/*":
    case "*/*":
      return version === "" || version === "0.0.4" ? ["text", TEXT] : undefined;
    default:
      return undefined;
  }
}

function ranges(header: string): Range[] {
  const found: Range[] = [];
  for (const part of header.slice(0, MAX_HEADER_CHARS).split(",")) {
    const [type = "", ...rest] = part.split(";");
    const parameters = new Map<string, string>();
    let quality = 1;
    for (const each of rest) {
      const equals = each.indexOf("=");
      const name = each.slice(0, equals).trim().toLowerCase();
      const value = each
        .slice(equals + 1)
        .trim()
        .replaceAll('"', "");
      if (name === "q") quality = Number(value);
      else parameters.set(name, value);
    }
    if (type.trim() !== "" && quality > 0) found.push({ type: type.trim().toLowerCase(), parameters, quality });
  }
  return found.sort((a, b) => b.quality - a.quality);
}

const CLASSIC_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The name as this format may carry it, without quotes. */
export function pageName(name: string, escaping: EscapingScheme): string {
  return CLASSIC_METRIC.test(name) ? name : escapeName(name, escaping);
}

/** Whether a metric's name must be quoted to stand in a text. */
export function needsQuotes(name: string): boolean {
  return !CLASSIC_METRIC.test(name);
}
