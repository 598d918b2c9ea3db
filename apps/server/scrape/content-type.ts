// Which parser reads a body, and what to ask targets for.
import { OpenMetricsParser, ProtobufParser, quoteText, type SampleParser, TextParser } from "@narthex/exposition";
import type { NameEscapingScheme, ScrapeProtocol } from "../config/types.ts";
import { parseMediaType } from "./media-type.ts";
import { ScrapeError } from "./scrape-error.ts";

const MEDIA_TYPES: Readonly<Record<ScrapeProtocol, string>> = {
  PrometheusProto: "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
  "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
  "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
  "PrometheusText1.0.0": "text/plain;version=1.0.0",
  "PrometheusText0.0.4": "text/plain;version=0.0.4",
};

/** The Accept header: weights step down from 0.6 by 0.1 a format, anything else comes last. */
export function acceptHeader(protocols: readonly ScrapeProtocol[], escaping: NameEscapingScheme): string {
  const parts: string[] = [];
  let weight = 6;
  for (const protocol of protocols) {
    const escapes = protocol.endsWith("1.0.0") ? `;escaping=${escaping}` : "";
    parts.push(`${MEDIA_TYPES[protocol]}${escapes};q=0.${weight--}`);
  }
  parts.push(`*/*;q=0.${Math.max(weight, 1)}`);
  return parts.join(",");
}

const textParser = new TextParser();
const openMetricsParser = new OpenMetricsParser();
const protobufParser = new ProtobufParser();

/**
 * The parser for a body of this Content-Type; one of three that all scrapes share, since bodies are read one at a time.
 * Throws a `ScrapeError` when the type says nothing usable and there is no fallback.
 */
export function parserFor(contentType: string, fallback: ScrapeProtocol | ""): SampleParser | ProtobufParser {
  const mediaType = parseMediaType(contentType);
  switch ("type" in mediaType ? mediaType.type : "") {
    case "application/openmetrics-text":
      return openMetricsParser;
    case "text/plain":
      return textParser;
    case "application/vnd.google.protobuf":
      return protobufParser;
  }
  if (fallback === "PrometheusProto") return protobufParser;
  if (fallback !== "") return fallback.startsWith("OpenMetrics") ? openMetricsParser : textParser;
  if (contentType === "") {
    throw new ScrapeError(
      "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target",
    );
  }
  if ("fault" in mediaType) {
    throw new ScrapeError(
      `cannot parse Content-Type ${quoteText(contentType)} and no fallback_scrape_protocol for target\n${mediaType.fault}`,
    );
  }
  throw new ScrapeError(
    `received unsupported Content-Type ${quoteText(contentType)} and no fallback_scrape_protocol specified for target`,
  );
}
