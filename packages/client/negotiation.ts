// Which format a scraper gets: its Accept header decides.

/** The formats that can be asked for. */
export type ExpositionFormat = "text" | "openmetrics";

/** The media type of the text format. */
export const TEXT_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The media type of OpenMetrics 1.0. */
export const OPENMETRICS_CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** A format and the Content-Type header that announces it. */
export interface NegotiatedFormat {
  readonly format: ExpositionFormat;
  readonly contentType: string;
}

/** What can be asked for names that the classic rules do not allow. */
const ESCAPINGS: ReadonlySet<string> = new Set(["allow-utf-8", "underscores", "dots", "values"]);

interface AcceptRange {
  type: string;
  version: string;
  escaping: string;
  quality: number;
}

/**
 * The best format for an Accept header: highest q first, then in the header's order. What is malformed or unknown is
 * passed over; without anything usable the answer is the text format.
 */
export function negotiateFormat(accept: string | undefined): NegotiatedFormat {
  const ranges = parseAccept(accept ?? "");
  // All our names follow the classic rules, so whatever a scraper wants done to others is done already.
  const escaping = ranges.find((range) => ESCAPINGS.has(range.escaping))?.escaping ?? "underscores";
  for (const range of ranges) {
    if (range.type === "application/openmetrics-text" && /^(1\.0\.0|0\.0\.1|)$/.test(range.version)) {
      const version = range.version === "" ? "0.0.1" : range.version;
      return {
        format: "openmetrics",
        contentType: `application/openmetrics-text; version=${version}; charset=utf-8; escaping=${escaping}`,
      };
    }
    if (range.type === "text/plain" && /^(0\.0\.4|)$/.test(range.version)) break;
  }
  return { format: "text", contentType: `${TEXT_CONTENT_TYPE}; escaping=${escaping}` };
}

function parseAccept(header: string): AcceptRange[] {
  const ranges: AcceptRange[] = [];
  // A header of a sane client is short; what lies beyond is not read.
  for (const part of header.slice(0, 4096).split(",")) {
    const [type = "", ...parameters] = part.split(";");
    const range: AcceptRange = { type: type.trim().toLowerCase(), version: "", escaping: "", quality: 1 };
    for (const parameter of parameters) {
      const equals = parameter.indexOf("=");
      const name = parameter.slice(0, equals).trim().toLowerCase();
      const value = parameter.slice(equals + 1).trim();
      if (name === "q") range.quality = Number(value);
      if (name === "escaping") range.escaping = value;
      if (name === "version") range.version = value.replaceAll('"', "");
    }
    if (range.type !== "" && range.quality > 0) ranges.push(range);
  }
  return ranges.sort((a, b) => b.quality - a.quality);
}
