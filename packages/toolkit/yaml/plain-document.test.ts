import assert from "node:assert/strict";
import { test } from "node:test";
import { parseByLibrary } from "./parse.ts";
import { readPlainDocument } from "./plain-document.ts";

const TAKEN: Readonly<Record<string, string>> = {
  "a configuration": `# Kept short.
global:
  scrape_interval: 15s
  external_labels: {site: "a", 'replica': b}   # in braces
scrape_configs:
- job_name: "node"
  static_configs:
  - targets: ['127.0.0.1:9100', "[::1]:9100"]
    labels:
      empty: ""
      regex: "(.+):\\\\d+;.*"

  - targets:
      - 127.0.0.1:9101
  params:
    match[]: [up]
`,
  "rules with texts of several lines": `groups:
  - name: g
    rules:
      - alert: Down
        expr: |
          up{job="a"} == 0
            or absent(up)
        for: 5m
        annotations:
          summary: >-
            It is down

            since a while.
          description: 'It''s {{ $labels.instance }}: "gone" #1'
`,
  "a document with a mark": "---\na: b\n",
  "values left out": "a:\nb: # nothing\nc:\n- \n- x\n",
  "a sequence": "- a: 1\n  b: 2\n-\n  c: 3\n",
  "no break at the end": "a: b",
};

for (const [name, text] of Object.entries(TAKEN)) {
  test(`plain YAML: ${name} is taken, as the library reads it`, () => {
    const root = readPlainDocument(text);
    assert.notEqual(root, undefined);
    assert.deepEqual(root, parseByLibrary(text).root);
  });
}

const LEFT: Readonly<Record<string, string>> = {
  nothing: "",
  "comments alone": "# a\n",
  "a scalar": "text\n",
  "anchors and aliases": "a: &x 1\nb: *x\n",
  "merged keys": "a:\n  <<: {b: c}\n",
  tags: "a: !!str 1\n",
  "texts that go on in the next line": "a: b\n  c\n",
  "quotes that go on in the next line": 'a: "b\n  c"\n',
  "brackets that go on in the next line": "a: [b,\n  c]\n",
  "long keys": `${"k".repeat(1100)}: v\n`,
  "keys behind a question mark": "? a\n: b\n",
  "several documents": "a: b\n---\nc: d\n",
  "what a document ends with": "a: b\n...\n",
  directives: "%YAML 1.2\n---\na: b\n",
  tabs: "a:\tb\n",
  "carriage returns": "a: b\r\n",
  "a mark of byte order": "\ufeffa: b\n",
  "two keys in a line": "a: b: c\n",
  "wrong indentation": "a:\n    b: 1\n  c: 2\n",
  "unknown escapes": 'a: "\\x41"\n',
  "indentation indicators": "a: |2\n   b\n",
  "much nesting": `${"[".repeat(100)}${"]".repeat(100)}`,
};

for (const [name, text] of Object.entries(LEFT)) {
  test(`plain YAML: left to the library: ${name}`, () => {
    assert.equal(readPlainDocument(text), undefined);
  });
}
