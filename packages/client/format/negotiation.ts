// Which format a scraper gets: its Accept header decides.
import { ESCAPING_SCHEMES, type EscapingScheme } from "./escaping.ts";

/** The formats that can be asked for. */
export type ExpositionFormat = "text" | "openmetrics" | "protobuf";

/** The media type of the text format. */
export const TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The media type of OpenMetrics 1.0. */
export const OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** The media type of protobuf messages, each with its length before it. */
export const PROTOBUF_CONTENT_TYPE =
  "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/** A format, what it does to names outside the classic rules, and the Content-Type header that announces it. */
export interface NegotiatedFormat {
  readonly format: ExpositionFormat;
  readonly escaping: EscapingScheme;
  readonly contentType: string;
}

interface AcceptRange {
  type: string;
  quality: number;
  readonly parameters: Map<string, string>;
}

/**
 * The best format for an Accept header: highest q first, then in the header's order. What is malformed or unknown is
 * passed over; without anything usable the answer is the text format. Names are escaped as the chosen entry or one before it says,
 * by `fallback` when none does.
 */
export function negotiateFormat(
  accept: string | undefined,
  fallback: EscapingScheme = "underscores",
  offered: readonly ExpositionFormat[] = ["text", "openmetrics", "protobuf"],
): NegotiatedFormat {
  let escaping = fallback;
  for (const range of parseAccept(accept ?? "")) {
    const wanted = range.parameters.get("escaping") ?? "";
    if (ESCAPING_SCHEMES.has(wanted)) escaping = wanted as EscapingScheme;
    const found = match(range);
    if (found === undefined || !offered.includes(found.format)) continue;
    return { format: found.format, escaping, contentType: `${found.contentType}; escaping=${escaping}` };
  }
  return { format: "text", escaping, contentType: `${TEXT_CONTENT_TYPE}; escaping=${escaping}` };
}

/** What one entry of the header asks for, undefined when it is nothing we have. */
function match({ type, parameters }: AcceptRange): Omit<NegotiatedFormat, "escaping"> | undefined {
  const version = parameters.get("version") ?? "";
  switch (type) {
    case "application/openmetrics-text":
      if (version === "1.0.0") return { format: "openmetrics", contentType: OPENMETRICS_CONTENT_TYPE };
      if (version !== "" && version !== "0.0.1") return undefined;
      return { format: "openmetrics", contentType: OPENMETRICS_CONTENT_TYPE.replace("1.0.0", "0.0.1") };
    case "application/vnd.google.protobuf":
      if (parameters.get("proto") !== "io.prometheus.client.MetricFamily") return undefined;
      if (parameters.get("encoding") !== "delimited") return undefined;
      return { format: "protobuf", contentType: PROTOBUF_CONTENT_TYPE };
    case "text/plain":
      if (version === "1.0.0") return { format: "text", contentType: TEXT_CONTENT_TYPE.replace("0.0.4", "1.0.0") };
      return version === "" || version === "0.0.4" ? { format: "text", contentType: TEXT_CONTENT_TYPE } : undefined;
    case "text/*":
    case "*/*":
      return { format: "text", contentType: TEXT_CONTENT_TYPE };
    default:
      return undefined;
  }
}

function parseAccept(header: string): AcceptRange[] {
  const ranges: AcceptRange[] = [];
  // A header of a sane client is short; what lies beyond is not read.
  for (const part of header.slice(0, 4096).split(",")) {
    const [type = "", ...parameters] = part.split(";");
    const range: AcceptRange = { type: type.trim().toLowerCase(), quality: 1, parameters: new Map() };
    for (const parameter of parameters) {
      const equals = parameter.indexOf("=");
      if (equals < 0) continue;
      const name = parameter.slice(0, equals).trim().toLowerCase();
      const value = parameter
        .slice(equals + 1)
        .trim()
        .replaceAll('"', "");
      if (name === "q") range.quality = Number(value);
      else range.parameters.set(name, value);
    }
    if (range.type !== "" && range.quality > 0) ranges.push(range);
  }
  return ranges.sort((a, b) => b.quality - a.quality);
}
