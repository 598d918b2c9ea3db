// Templates of alerts and what they come to. All results are the reference's own: promtool 3.5.3 was given the same rule over
// the same series; where a newer release differs, or has what that one had not, it says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { Engine, loadScript, QueryError, type VectorElement } from "@narthex/promql";
import { TemplateError } from "@narthex/template";
import { AlertExpansion, AlertText, checkAlertTemplate } from "./alert-template.ts";

const storage = loadScript(`load 1m
  a{b="1",job="x"} 3x10
  a{b="2",job="x"} 7x10
  h {{schema:1 count:5 sum:3.5 buckets:[1 4]}}x10
`);
const T = 300_000;

/** Expands for the element `{b="1", job="x"} 4.5`. */
async function expand(text: string): Promise<string> {
  const engine = new Engine();
  const surroundings = {
    externalLabels: () => Labels.fromObject({ cluster: "c1" }),
    externalUrl: "http://ex.org/pre",
    pathPrefix: "/pre",
  };
  const ask = async (expr: string): Promise<readonly VectorElement[]> => {
    const { value } = engine.instantQuery(storage, expr, T);
    if (value.kind === "vector") return value.elements;
    if (value.kind === "scalar") return [{ labels: Labels.empty, value: value.value, histogram: undefined }];
    throw new QueryError("execution", "rule result is not a vector or scalar");
  };
  const expansion = new AlertExpansion(surroundings, T, ask);
  const element = { labels: Labels.fromObject({ b: "1", job: "x" }), value: 4.5, histogram: undefined };
  return new AlertText("A", text).expand(expansion, expansion.dataOf(element), () => {});
}

const failed = (place: string, message: string): string =>
  `<error expanding template: error executing template __alert_A: template: __alert_A:${place} ${message}>`;

const CASES: readonly (readonly [text: string, expanded: string])[] = [
  [
    '{{ $value }}|{{ .Value }}|{{ printf "%.2f" $value }}|{{ $labels.job }}|{{ $labels.nope }}|{{ .Labels.job | toUpper }}',
    "4.5|4.5|4.50|x||X",
  ],
  [
    '{{ humanize 0.0 }}|{{ humanize 1.0 }}|{{ humanize 1234567.0 }}|{{ humanize 1e30 }}|{{ humanize .001 }}|{{ humanize 1e-30 }}|{{ humanize -0.5 }}|{{ humanize "NaN" }}|{{ humanize "+Inf" }}|{{ humanize "0x1p10" }}|{{ humanize 999.99999 }}',
    "0|1|1.235M|1e+06Y|1m|1e-06y|-500m|NaN|+Inf|1.024k|1000",
  ],
  [
    "{{ humanize1024 0.0 }}|{{ humanize1024 1.0 }}|{{ humanize1024 1048576.0 }}|{{ humanize1024 .12 }}|{{ humanize1024 -2048.0 }}|{{ humanize1024 1e30 }}",
    "0|1|1Mi|0.12|-2ki|8.272e+05Yi",
  ],
  [
    '{{ humanizeDuration 0 }}|{{ humanizeDuration 1 }}|{{ humanizeDuration 60 }}|{{ humanizeDuration 3600 }}|{{ humanizeDuration 86400 }}|{{ humanizeDuration 86401.5 }}|{{ humanizeDuration -1 }}|{{ humanizeDuration -90 }}|{{ humanizeDuration .1 }}|{{ humanizeDuration 1.2345678 }}|{{ humanizeDuration 1e-9 }}|{{ humanizeDuration "1.5" }}|{{ humanizeDuration "NaN" }}',
    "0s|1s|1m 0s|1h 0m 0s|1d 0h 0m 0s|1d 0h 0m 1s|-1s|-1m 30s|100ms|1.235s|1ns|1.5s|NaN",
  ],
  [
    '{{ humanizePercentage 0.12345 }}|{{ humanizePercentage "1.5" }}|{{ humanizePercentage -0.12345 }}|{{ humanizePercentage "NaN" }}',
    "12.35%|150%|-12.35%|NaN%",
  ],
  [
    '{{ humanizeTimestamp 1435065584.128 }}|{{ humanizeTimestamp 0 }}|{{ humanizeTimestamp -1.5 }}|{{ humanizeTimestamp "Inf" }}|{{ humanizeTimestamp 1e9 }}',
    "2015-06-23 13:19:44.128 +0000 UTC|1970-01-01 00:00:00 +0000 UTC|1969-12-31 23:59:58.5 +0000 UTC|+Inf|2001-09-09 01:46:40 +0000 UTC",
  ],
  [
    "{{ humanizeTimestamp 1e12 }}",
    failed(
      "1:115:",
      'executing "__alert_A" at <humanizeTimestamp 1e12>: error calling humanizeTimestamp: 1e+12 cannot be represented as a nanoseconds timestamp since it overflows int64',
    ),
  ],
  [
    '{{ humanize "abc" }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <humanize "abc">: error calling humanize: strconv.ParseFloat: parsing "abc": invalid syntax',
    ),
  ],
  [
    "{{ humanize true }}",
    failed("1:115:", 'executing "__alert_A" at <humanize true>: error calling humanize: can\'t convert bool to float'),
  ],
  [
    '{{ (toTime 1435065584.128) }}|{{ (toTime 1435065584.128).Unix }}|{{ (toTime 1435065584).Format "2006-01-02T15:04:05Z07:00" }}|{{ (toTime 1435065584.128).Format "Mon Jan _2 15:04:05.000 2006 3PM" }}|{{ (toTime 0).Weekday }}|{{ (toTime 1435065584).YearDay }}|{{ (toTime 0).Month }}',
    "2015-06-23 13:19:44.128 +0000 UTC|1435065584|2015-06-23T13:19:44Z|Tue Jun 23 13:19:44.128 2015 1PM|Thursday|174|January",
  ],
  [
    '{{ toTime "NaN" }}',
    failed("1:115:", 'executing "__alert_A" at <toTime "NaN">: error calling toTime: value is NaN or Inf'),
  ],
  [
    "{{ toTime 1e12 }}",
    failed(
      "1:115:",
      'executing "__alert_A" at <toTime 1e12>: error calling toTime: 1e+12 cannot be represented as a nanoseconds timestamp since it overflows int64',
    ),
  ],
  [
    '{{ parseDuration "x" }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <parseDuration "x">: error calling parseDuration: not a valid duration string: "x"',
    ),
  ],
  [
    '{{ title "foo bar" }}|{{ title "foo-bar baz_qux" }}|{{ title "can\'t stop" }}|{{ title "éa ßx" }}|{{ title "1abc 2d" }}|{{ title "a.b c:d" }}|{{ title "FOO bAR" }}',
    "Foo Bar|Foo-Bar Baz_qux|Can't Stop|Éa Ssx|1Abc 2D|A.b C:d|FOO BAR",
  ],
  ['{{ toUpper "éab" }}|{{ toLower "ABC" }}', "ÉAB|abc"],
  [
    '{{ stripPort "a:80" }}|{{ stripPort "[::1]:80" }}|{{ stripPort "a" }}|{{ stripPort "1.2.3.4:9" }}|{{ stripPort "a:b:c" }}|{{ stripPort "[::1]" }}|{{ stripPort "a:" }}|{{ stripPort ":80" }}',
    "a|::1|a|1.2.3.4|a:b:c|[::1]|a|",
  ],
  [
    '{{ stripDomain "a.b.c:80" }}|{{ stripDomain "a.b.c" }}|{{ stripDomain "1.2.3.4:9" }}|{{ stripDomain "1.2.3.4" }}|{{ stripDomain "[::1]:80" }}|{{ stripDomain "::1" }}|{{ stripDomain "1.2:80" }}|{{ stripDomain "host" }}',
    "a:80|a|1.2.3.4:9|1.2.3.4|[::1]:80|::1|1:80|host",
  ],
  [
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a capture by its name, in Go's words
    '{{ reReplaceAll "(a)(b)" "$2$1" "xaby" }}|{{ reReplaceAll "r.*d" "x" "rpld text" }}|{{ reReplaceAll "(?P<n>o+)" "[${n}]" "foo boo" }}|{{ reReplaceAll "" "-" "abc" }}',
    "xbay|x text|f[oo] b[oo]|-a-b-c-",
  ],
  [
    '{{ reReplaceAll "(" "x" "y" }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <reReplaceAll "(" "x" "y">: error calling reReplaceAll: regexp: Compile(`(`): error parsing regexp: missing closing ): `(`',
    ),
  ],
  ['{{ match "[0-9]+" "1234" }}|{{ match "^x" "yx" }}', "true|false"],
  [
    '{{ match "(" "a" }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <match "(" "a">: error calling match: error parsing regexp: missing closing ): `(`',
    ),
  ],
  [
    '{{ query "a" | first | value }}|{{ query "a" | first | label "b" }}|{{ with query "a" }}{{ . | first | value | humanize }}{{ end }}|{{ range query "a" | sortByLabel "b" }}{{ .Labels.b }}={{ .Value }};{{ end }}',
    "3|1|3|1=3;2=7;",
  ],
  [
    '{{ query "nonexist" | first | value }}',
    failed(
      "1:134:",
      'executing "__alert_A" at <first>: error calling first: first() called on vector with no elements',
    ),
  ],
  [
    '{{ query "sum(" }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <query "sum(">: error calling query: 1:5: parse error: unclosed left parenthesis',
    ),
  ],
  [
    '{{ query "1" | first | value }}|{{ len (query "a") }}|{{ query "\\"x\\"" }}',
    failed(
      "1:169:",
      'executing "__alert_A" at <query "\\"x\\"">: error calling query: rule result is not a vector or scalar',
    ),
  ],
  [
    '{{ range $i, $x := query "a" }}{{ $i }}{{ $x.Labels.__name__ }}{{ if $i }}!{{ else }}?{{ end }}{{ end }}',
    "0a?1a!",
  ],
  [
    '{{ query "label_replace(a,\\"__value__\\",\\"zz\\",\\"\\",\\"\\")" | first | strvalue }}|{{ query "h" | first | value }}',
    "zz|{count:5, sum:3.5, (0.7071067811865475,1]:1, (1,1.414213562373095]:4}",
  ],
  ['{{ with args 1 "x" 2.5 }}{{ .arg0 }}{{ .arg1 }}{{ .arg2 }}{{ .arg9 }}{{ end }}', "1x2.5<no value>"],
  [
    '{{ if eq $labels.job "x" }}yes{{ else if gt $value 1.0 }}big{{ else }}no{{ end }}|{{ and 1 0 }}|{{ or 0 "z" }}|{{ not true }}|{{ ne 1 2 }}|{{ lt 1 2 }}|{{ le 2 2 }}|{{ ge 1 2 }}',
    "yes|0|z|false|true|true|true|false",
  ],
  [
    '{{ index $labels "job" }}|{{ slice "abcdef" 1 3 }}|{{ len "héllo" }}|{{ print 1 2 "a" "b" 3 }}|{{ println "x" 1 }}|{{ printf "%5d|%-5s|%05.1f|%q|%x|%v|%T|%e|%g|%t|%c|%U" 42 "ab" 3.14159 "q" 255 $labels 1.5 12345.678 1e21 true 65 65 }}',
    'x|bc|6|1 2ab3|x 1\n|   42|ab   |003.1|"q"|ff|map[b:1 job:x]|float64|1.234568e+04|1e+21|true|A|U+0041',
  ],
  [
    '{{ html "<a&\'\\">" }}|{{ js "it\'s <b>" }}|{{ urlquery "a b&c" }}||{{ safeHtml "<b>" }}',
    "&lt;a&amp;&#39;&#34;&gt;|it\\'s \\u003Cb\\u003E|a+b%26c||<b>",
  ],
  [
    '{{ $x := 1 }}{{ $x = 2 }}{{ $x }}|{{ range $k, $v := $labels }}{{ $k }}={{ $v }};{{ end }}|{{ with $y := "q" }}{{ $y }}{{ end }}',
    "2|b=1;job=x;|q",
  ],
  ['{{ define "t" }}[{{ . }}]{{ end }}{{ template "t" "arg" }}|{{ block "b" 5 }}<{{ . }}>{{ end }}', "[arg]|<5>"],
  ['{{- "trim" -}}   x   {{- /* comment */ -}}  y', "trimxy"],
  ["{{ range $i := 3 }}{{ $i }}{{ end }}", "012"],
  [
    '{{ range query "a" }}{{ if eq .Labels.b "2" }}{{ continue }}{{ end }}{{ .Labels.b }}{{ break }}{{ else }}none{{ end }}',
    "1",
  ],
  ["{{ $labels }}|{{ .ExternalLabels.cluster }}|{{ $externalLabels }}", "map[b:1 job:x]|c1|map[cluster:c1]"],
  [
    "{{ 1e6 }}|{{ 1.5 }}|{{ 100000000.0 }}|{{ 123456789012345678 }}|{{ 'a' }}|{{ 0x1F }}|{{ 1_000 }}|{{ true }}|{{ `raw` }}|{{ \"\\u00e9\\n\\t\" }}",
    "1e+06|1.5|1e+08|123456789012345678|97|31|1000|true|raw|é\n\t",
  ],
  [
    "{{ $labels.job.foo }}",
    failed("1:122:", 'executing "__alert_A" at <$labels.job.foo>: can\'t evaluate field foo in type string'),
  ],
  [
    "{{ .Nope }}",
    failed(
      "1:115:",
      'executing "__alert_A" at <.Nope>: can\'t evaluate field Nope in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }',
    ),
  ],
  [
    "{{ index $labels 1 }}",
    failed(
      "1:115:",
      'executing "__alert_A" at <index $labels 1>: error calling index: value has type int; should be string',
    ),
  ],
  [
    '{{ index (query "a") 5 }}',
    failed("1:115:", 'executing "__alert_A" at <index (query "a") 5>: error calling index: index out of range: 5'),
  ],
  [
    '{{ slice "abc" 5 }}',
    failed("1:115:", 'executing "__alert_A" at <slice "abc" 5>: error calling slice: index out of range: 5'),
  ],
  ["{{ len 3 }}", failed("1:115:", 'executing "__alert_A" at <len 3>: error calling len: len of type int')],
  [
    '{{ template "nope" }}',
    failed("1:124:", 'executing "__alert_A" at <{{template "nope"}}>: template "nope" not defined'),
  ],
  [
    '{{ lt "a" 1 }}',
    failed(
      "1:115:",
      'executing "__alert_A" at <lt "a" 1>: error calling lt: incompatible types for comparison: string and int',
    ),
  ],
  [
    "{{ eq 1 1.0 }}",
    failed(
      "1:115:",
      'executing "__alert_A" at <eq 1 1.0>: error calling eq: incompatible types for comparison: int and float64',
    ),
  ],
  [
    '{{ printf "%d" $value }}|{{ printf "%s" 1 }}|{{ printf "%.3g" 1234.5678 }}|{{ printf "%+d" 5 }}|{{ printf "%8.3f|" 3.14159 }}|{{ printf "%x" "hi" }}|{{ printf "%v %v" 1 }}|{{ printf "%d" 1 2 }}|{{ printf "%%" }}|{{ printf "%6.2f%%" 12.345 }}',
    "%!d(float64=4.5)|%!s(int=1)|1.23e+03|+5|   3.142||6869|1 %!v(MISSING)|1%!(EXTRA int=2)|%| 12.35%",
  ],
  [
    "{{ call 1 }}",
    failed("1:115:", 'executing "__alert_A" at <call 1>: error calling call: non-function 1 of type int'),
  ],
  [
    "{{ first 1 }}",
    failed("1:121:", 'executing "__alert_A" at <1>: can\'t handle 1 for arg of type template.queryResult'),
  ],
  [
    '{{ label "a" 1 }}',
    failed("1:125:", 'executing "__alert_A" at <1>: can\'t handle 1 for arg of type *template.sample'),
  ],
  ['{{ $value | printf "%f" }}|{{ $value | humanize | printf "%s!" }}', "4.500000|4.5!"],
  ["{{ nil }}", failed("1:115:", 'executing "__alert_A" at <nil>: nil is not a command')],
  ['{{ query "a" | sortByLabel "b" | first }}', "{map[__name__:a b:1 job:x] 3}"],
  ["{{ sortByLabel 1 2 }}", failed("1:127:", 'executing "__alert_A" at <1>: expected string; found 1')],
  ["{{ stripPort 1 }}", failed("1:125:", 'executing "__alert_A" at <1>: expected string; found 1')],
  ["{{ toUpper 5 }}", failed("1:123:", 'executing "__alert_A" at <5>: expected string; found 5')],
  [
    "{{ externalURL 1 }}",
    failed("1:115:", 'executing "__alert_A" at <externalURL>: wrong number of args for externalURL: want 0 got 1'),
  ],
  [
    "{{ humanize }}",
    failed("1:115:", 'executing "__alert_A" at <humanize>: wrong number of args for humanize: want 1 got 0'),
  ],
  ["{{ $value }} {{ $labels.nope }}|", "4.5 |"],
];

for (const [text, expanded] of CASES) {
  test(`alert template: ${text}`, async () => {
    assert.equal(await expand(text), expanded);
  });
}

/** Since 3.6, or where 3.5.3 did not get so far. */
const NEWER: readonly (readonly [text: string, expanded: string])[] = [
  ["{{ now }} {{ now | toTime }}", "300 1970-01-01 00:05:00 +0000 UTC"],
  [
    "{{ toDuration 3723 }} {{ toDuration .0015 }} {{ toDuration 0 }} {{ (toDuration 90).Minutes }}",
    "1h2m3s 1.5ms 0s 1.5",
  ],
  ['{{ parseDuration "-5m" }} {{ parseDuration "1d" }}', "-300 86400"],
  ['{{ urlQueryEscape "a b&c/d" }}', "a+b%26c%2Fd"],
  ["{{ externalURL }} {{ pathPrefix }}", "http://ex.org/pre /pre"],
];

for (const [text, expanded] of NEWER) {
  test(`alert template, newer: ${text}`, async () => {
    assert.equal(await expand(text), expanded);
  });
}

test("alert template: what is wrong with its form is found when it is loaded", () => {
  assert.throws(() => checkAlertTemplate("A", "{{ $nope }}"), TemplateError);
  assert.throws(() => checkAlertTemplate("A", "{{ nope }}"), /template: __alert_A:1: function "nope" not defined/);
  assert.throws(() => checkAlertTemplate("A", "{{ 1 | 2 }}"), /non executable command in pipeline stage 2/);
});

/** However a template tries, it is stopped before it holds the main thread for long. */
const LONG = `{{ $x := "abcdefghij" }}{{ $y := print ${"$x ".repeat(10)}}}{{ $z := print ${"$y ".repeat(10)}}}{{ $w := print ${"$z ".repeat(10)}}}`;
const HOSTILE: Readonly<Record<string, string>> = {
  "a long loop": "{{ range $i := 100000000 }}{{ $i }}{{ end }}",
  "loops in loops": "{{ range $i := 100000 }}{{ range $j := 100000 }}{{ if eq $i $j }}{{ end }}{{ end }}{{ end }}",
  "searches in a long text": `${LONG}{{ range $i := 100000 }}{{ $q := match "(a|b)*c(d|e)*f$" $w }}{{ end }}`,
  "replacing in a long text": `${LONG}{{ range $i := 100000 }}{{ $q := reReplaceAll "[a-e]+" "x$0y" $w }}{{ end }}`,
  "a long pattern": `${LONG}{{ range $i := 100000 }}{{ $q := match $w "x" }}{{ end }}`,
  "a text that doubles": '{{ $x := "ab" }}{{ range $i := 100 }}{{ $x = print $x $x }}{{ end }}',
  "wide numbers": '{{ range $i := 100000 }}{{ $q := printf "%10000d" $i }}{{ end }}',
};

for (const [what, text] of Object.entries(HOSTILE)) {
  test(`alert template: ${what} ends with an error`, async () => {
    await expand(text);
    const begun = performance.now();
    assert.match(await expand(text), /^<error expanding template: .*(too much to do|exceeds 262144 characters)>$/);
    // Measured at 20 ms or less; five times that, as a busy machine may need longer.
    assert.ok(performance.now() - begun < 100);
  });
}
