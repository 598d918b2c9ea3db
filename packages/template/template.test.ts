import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILTIN_FUNCTIONS, execute, parseTemplate, sprintf } from "./index.ts";

const functions = new Map(BUILTIN_FUNCTIONS)
  .set("upper", (text) => String(text).toUpperCase())
  .set("fails", () => {
    throw new Error("no luck");
  });

function expand(source: string, data: unknown = undefined): string {
  return execute(
    parseTemplate("t", source, (name) => functions.has(name)),
    data,
    { functions },
  );
}

const data = {
  Value: 1e6,
  Labels: new Map([
    ["job", "node"],
    ["instance", "a:9100"],
  ]),
  List: ["x", "y", "z"],
  Greet: (name: unknown) => `hello ${name}`,
};

const CASES: [source: string, expected: string][] = [
  ["plain", "plain"],
  ["{{ .Value }}", "1e+06"],
  ["{{ .Labels.job }}/{{ .Labels.missing }}/", "node//"],
  ["{{ .Labels }}", "map[instance:a:9100 job:node]"],
  ["{{ range $i, $e := .List }}{{ $i }}={{ $e }} {{ end }}", "0=x 1=y 2=z "],
  ['{{ range .List }}{{ if eq . "y" }}{{ continue }}{{ end }}{{ . }}{{ end }}', "xz"],
  ['{{ range .List }}{{ if eq . "y" }}{{ break }}{{ end }}{{ . }}{{ else }}none{{ end }}', "x"],
  ["{{ range $k, $v := .Labels }}{{ $k }}:{{ $v }};{{ end }}", "instance:a:9100;job:node;"],
  ["{{ range .None }}{{ else }}none{{ end }}", "none"],
  ["a {{- 1 -}} b", "a1b"],
  ["a {{- /* nothing */ -}} b", "ab"],
  ['{{ with .Labels.job }}{{ . | upper | printf "%q" }}{{ end }}', '"NODE"'],
  ["{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"],
  ["{{ if and .Value (gt .Value 5.0) }}big{{ else if .Value }}small{{ else }}none{{ end }}", "big"],
  ["{{ if false }}{{ else if eq 1 2 1 }}yes{{ end }}", "yes"],
  ['{{ define "d" }}<{{ . }}>{{ end }}{{ template "d" .Value }}', "<1e+06>"],
  ['{{ block "b" 3 }}[{{ . }}]{{ end }}', "[3]"],
  ['{{ .Greet "you" }}{{ "me" | .Greet }}', "hello youhello me"],
  ['{{ index .List 1 }}{{ len .List }}{{ slice "abcdef" 1 3 }}', "y3bc"],
  ["{{ (index .List 2) | upper }}", "Z"],
  ['{{ printf "%.2f|%5d|%-4s|%05.1f|%x|%v" 3.14159 42 "ab" 2.5 255 nil }}', "3.14|   42|ab  |002.5|ff|<nil>"],
  ["{{ `raw {{ text` }}{{ 'a' }}{{ 0x10 }}{{ 1.5 }}", "raw {{ text97161.5"],
  ['{{ html "<a & \'b\'>" }}{{ urlquery "a b&c" }}', "&lt;a &amp; &#39;b&#39;&gt;a+b%26c"],
  ['{{ not 0 }}{{ or 0 "" "c" }}{{ and 1 0 2 }}', "truec0"],
  ['{{ println 1 "a" 2.0 }}{{ print 1 2 "x" 3 }}', "1 a 2\n1 2x3"],
];

for (const [source, expected] of CASES) {
  test(`template: ${source} gives ${JSON.stringify(expected)}`, () => {
    assert.equal(expand(source, { ...data, None: [] }), expected);
  });
}

const REFUSED: [source: string, message: RegExp][] = [
  ["{{ nope }}", /^template: t:1: function "nope" not defined$/],
  ["a\n{{ $x }}", /^template: t:2: undefined variable "\$x"$/],
  ["{{ if }}{{ end }}", /missing value for if/],
  ["{{ if 1 }}", /unexpected EOF/],
  ["{{ end }}", /unexpected {{end}}/],
  ['{{ "a }}', /unterminated quoted string/],
  ["{{ .Value", /unclosed action/],
  ["{{ (1 }}", /unclosed left paren/],
  ["{{ break }}", /outside {{range}}/],
  ["{{ .Value | 3 }}", /non executable command/],
];

for (const [source, message] of REFUSED) {
  test(`template: ${source} is refused`, () => {
    assert.throws(() => expand(source, data), { name: "TemplateError", message });
  });
}

const FAILING: [source: string, message: string][] = [
  ["{{ .Value.x }}", 'template: t:1:9: executing "t" at <.Value.x>: can\'t evaluate field x in type float64'],
  ["\n {{ fails }}", 'template: t:2:4: executing "t" at <fails>: error calling fails: no luck'],
  // Not cut short, however long.
  [
    '{{ fails "nothing of that name" }}',
    'template: t:1:3: executing "t" at <fails "nothing of that name">: error calling fails: no luck',
  ],
  [
    "{{ index .List 9 }}",
    'template: t:1:3: executing "t" at <index .List 9>: error calling index: index out of range: 9',
  ],
  ['{{ template "none" }}', 'template: t:1:12: executing "t" at <{{template "none"}}>: template "none" not defined'],
];

for (const [source, message] of FAILING) {
  test(`template: ${JSON.stringify(source)} fails with its place`, () => {
    assert.throws(() => expand(source, data), { name: "TemplateError", message });
  });
}

test("template: what calls itself for ever, nests for ever or prints for ever is stopped", () => {
  assert.throws(
    () => expand('{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}'),
    /maximum template depth/,
  );
  assert.throws(() => expand("{{ if 1 }}".repeat(5000)), /nest too deeply/);
  assert.throws(() => expand(`{{ ${"(".repeat(5000)} 1 }}`), /nest too deeply/);
  assert.throws(() => expand('{{ range 1000000000 }}{{ printf "%10000d" . }}{{ end }}'), /output exceeds/);
});

test("printf: mistakes are shown as Go shows them", () => {
  assert.equal(sprintf("%d %s %", ["x"]), "%!d(string=x) %!s(MISSING) %!(NOVERB)");
  assert.equal(sprintf("%v", [1n, "b"]), "1%!(EXTRA string=b)");
  assert.equal(
    sprintf("%.3g %g %e %+d %g", [1234567, 0.00001, 12345.678, 5n, 100000]),
    "1.23e+06 1e-05 1.234568e+04 +5 100000",
  );
});
