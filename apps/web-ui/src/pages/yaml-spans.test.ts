import assert from "node:assert/strict";
import { test } from "node:test";
import { yamlSpans } from "./yaml-spans.ts";

test("YAML colours: no character is lost, and keys, values and comments are told apart", () => {
  const lines = [
    "global:",
    "  scrape_interval: 15s",
    "  - job_name: 'a: b' # why",
    "- targets: [\"x:1\", 'y']",
    "    regex: (.*)#(.*)",
    "  - 127.0.0.1:9090",
    "",
    "# only a comment",
    "  url: http://a:1/b",
    "text without meaning: :",
  ];
  for (const line of lines) {
    assert.equal(
      yamlSpans(line)
        .map(({ text }) => text)
        .join(""),
      line,
    );
  }
  const kinds = (line: string): string =>
    yamlSpans(line)
      .filter(({ kind }) => kind !== "plain")
      .map(({ kind, text }) => `${kind}:${text}`)
      .join(" ");
  assert.equal(kinds("  scrape_interval: 15s"), "key:scrape_interval number:15s");
  assert.equal(kinds("- job_name: x # why"), "key:job_name string:x comment:# why");
  assert.equal(kinds("    regex: (.*)#(.*)"), "key:regex string:(.*)#(.*)");
});
