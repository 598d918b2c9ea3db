import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenMetricsParser, ProtobufParser, TextParser } from "@narthex/exposition";
import { parserFor } from "./content-type.ts";

test("content type: the media type decides, parameters and letter case do not", () => {
  for (const type of ["text/plain", "Text/Plain; version=0.0.4; charset=utf-8", 'text/plain ;a="b;c" ;', "text/plain;"])
    assert.ok(parserFor(type, "") instanceof TextParser, type);
  assert.ok(parserFor("application/openmetrics-text; version=1.0.0", "") instanceof OpenMetricsParser);
  assert.ok(parserFor("application/vnd.google.protobuf; proto=a; encoding=delimited", "") instanceof ProtobufParser);
});

for (const [type, message] of [
  ["", "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"],
  ["text/html", 'received unsupported Content-Type "text/html" and no fallback_scrape_protocol specified for target'],
  ["text", 'received unsupported Content-Type "text" and no fallback_scrape_protocol specified for target'],
  ["text/plain; a=b; a=c", parsing("text/plain; a=b; a=c", "duplicate parameter name")],
  ["text/plain; a", parsing("text/plain; a", "invalid media parameter")],
  ["text/", parsing("text/", "expected token after slash")],
  ["; a=b", parsing("; a=b", "no media type")],
  ["text plain", parsing("text plain", "expected slash after first token")],
  ["text/plain x", parsing("text/plain x", "unexpected content after media subtype")],
] as const) {
  test(`content type: ${JSON.stringify(type)} is refused without a fallback`, () => {
    assert.throws(() => parserFor(type, ""), { message });
    assert.ok(parserFor(type, "PrometheusText0.0.4") instanceof TextParser);
  });
}

function parsing(type: string, reason: string): string {
  return `cannot parse Content-Type ${JSON.stringify(type)} and no fallback_scrape_protocol for target\nmime: ${reason}`;
}
