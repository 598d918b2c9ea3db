// Which format a federating scraper gets. The reference offers it no OpenMetrics: text, or protobuf where asked.
import type { EscapingScheme } from "@narthex/model";

/** A format, how names beyond the old alphabet are written, and the header that announces both. */
export interface FederateFormat {
  readonly form: "text" | "protobuf";
  readonly escaping: EscapingScheme;
  readonly contentType: string;
}

const ESCAPINGS: readonly string[] = ["allow-utf-8", "underscores", "dots", "values"];
const MESSAGE = "io.prometheus.client.MetricFamily";
const PROTOBUF = "application/vnd.google.protobuf";
/** A header of a sane client is short; what lies beyond is not read. */
const MAX_HEADER_CHARS = 4096;

interface AcceptRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The best format for an Accept header: highest q first, then in the header's order. */
export function negotiateFederation(accept: string | undefined): FederateFormat {
  let escaping: EscapingScheme = "underscores";
  for (const { type, parameters } of parseAccept(accept ?? "")) {
    const asked = parameters.get("escaping") ?? "";
    if (ESCAPINGS.includes(asked)) escaping = asked as EscapingScheme;
    if (type === PROTOBUF && parameters.get("proto") === MESSAGE && parameters.get("encoding") === "delimited") {
      return {
        form: "protobuf",
        escaping,
        contentType: `${PROTOBUF}; proto=${MESSAGE}; encoding=delimited; escaping=${escaping}`,
      };
    }
    if (type === "text/plain" && /^(0\.0\.4)?$/.test(parameters.get("version") ?? "")) break;
  }
  return { form: "text", escaping, contentType: `text/plain; version=0.0.4; charset=utf-8; escaping=${escaping}` };
}

function parseAccept(header: string): AcceptRange[] {
  const ranges: AcceptRange[] = [];
  for (const part of header.slice(0, MAX_HEADER_CHARS).split(",")) {
    const [type = "", ...rest] = part.split(";");
    const parameters = new Map<string, string>();
    for (const parameter of rest) {
      const equals = parameter.indexOf("=");
      if (equals > 0)
        parameters.set(parameter.slice(0, equals).trim().toLowerCase(), parameter.slice(equals + 1).trim());
    }
    const quality = parameters.has("q") ? Number(parameters.get("q")) : 1;
    if (type.trim() !== "" && quality > 0) ranges.push({ type: type.trim().toLowerCase(), parameters, quality });
  }
  return ranges.sort((a, b) => b.quality - a.quality);
}
