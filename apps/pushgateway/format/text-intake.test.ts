import assert from "node:assert/strict";
import { test } from "node:test";
import { familiesOf, faultOf, samplesOf } from "../testing.ts";

const SHAPES = `# HELP h Sizes.
# TYPE h histogram
h_bucket{p="/",le="0.5"} 1
h_bucket{p="/",le="+Inf"} 3
h_sum{p="/"} 4.5
h_count{p="/"} 3
# TYPE s summary
s{quantile="0.9"} 2
s_sum 3
s_count 4
u{b="x\\"\\\\\\n",a="Π"} 1e-07
`;

test("text intake: lines are gathered into families, whatever pieces they come in", () => {
  for (const pieceBytes of [1, 2, 7, 1000]) {
    const families = familiesOf(SHAPES, pieceBytes);
    assert.deepEqual(
      families.map(({ name, type, help }) => [name, type, help]),
      [
        ["h", "histogram", "Sizes."],
        ["s", "summary", undefined],
        ["u", "untyped", undefined],
      ],
    );
    assert.deepEqual(
      samplesOf(families),
      SHAPES.split("\n").filter((line) => line !== "" && !line.startsWith("#")),
    );
  }
});

test("text intake: a mistake is named with its line", () => {
  const at = (line: number, what: string): string => `text format parsing error in line ${line}: ${what}`;
  for (const [text, message] of [
    ["metric", at(1, "unexpected end of input stream")],
    ["ok 1\nsome metric 1\n", at(2, 'expected float as value, got "metric"')],
    ["a{b=c} 1\n", at(1, "expected '\"' at start of label value, found 'c'")],
    ['{a="b"} 1\n', at(1, "invalid metric name")],
    ["# TYPE a nothing\n", at(1, 'unknown metric type "nothing"')],
    ["\n\n \n5 1\n", at(4, "invalid metric name")],
    [
      Buffer.from([0x61, 0x7b, 0x62, 0x3d, 0x22, 0xff, 0x22, 0x7d, 0x20, 0x31, 0x0a]),
      at(1, 'invalid label value "\\xff"'),
    ],
  ] as const) {
    assert.equal(faultOf(text), message);
    assert.equal(faultOf(text, 1), message);
  }
});

test("text intake: an empty body, and one of blanks, are no families", () => {
  assert.deepEqual(familiesOf(""), []);
  assert.deepEqual(familiesOf("  \t"), []);
  assert.deepEqual(familiesOf("# HELP a b\n"), []);
});
