import assert from "node:assert/strict";
import { test } from "node:test";
import { BUILTIN_FUNCTIONS, execute, HtmlEscaper, parseTemplate, SafeText } from "./index.ts";

const functions = new Map(BUILTIN_FUNCTIONS).set("safeHtml", (text) => new SafeText(String(text)));

function expand(source: string, dot: unknown): string {
  const template = parseTemplate("t", source, (name) => functions.has(name));
  return execute(template, dot, { functions, escaper: new HtmlEscaper() });
}

/** All that means something somewhere: to text, attributes, addresses, scripts or styles. */
const NASTY = "a+b\"'</script>& c\0é\\";
const TEXT = "a&#43;b&#34;&#39;&lt;/script&gt;&amp; c\ufffdé\\";
const IN_ADDRESS = "a%2bb%22%27%3c%2fscript%3e%26%20c%00%c3%a9%5c";
const IN_STRING = "a\\u002bb\\u0022\\u0027\\u003c\\/script\\u003e\\u0026 c\\u0000é\\\\";
const JSON_TEXT = '"a+b\\"\'\\u003c/script\\u003e\\u0026 c\\u0000é\\\\"';

/** What the reference, 3.5.3, answered to the same pieces of a console. */
const SAME: readonly [source: string, expected: string][] = [
  ["<p>{{ . }}</p>", `<p>${TEXT}</p>`],
  ['<a href="/x?y={{ . }}">l</a>', `<a href="/x?y=${IN_ADDRESS}">l</a>`],
  ["<a title='{{ . }}'>", `<a title='${TEXT}'>`],
  ["<a class={{ . }} id=x>", "<a class=a&#43;b&#34;&#39;&lt;/script&gt;&amp;&#32;c&#xfffd;é\\ id=x>"],
  ["<script>var a = {{ . }};", `<script>var a = ${JSON_TEXT};`],
  ['<script>var a = "{{ . }}";', `<script>var a = "${IN_STRING}";`],
  ["<script>var a = '{{ . }}';", `<script>var a = '${IN_STRING}';`],
  ["<script>var a = {{ 1.5 }};", "<script>var a =  1.5 ;"],
  ["<style>p { color: {{ . }}", "<style>p { color: ZgotmplZ"],
  ['<style>p { background: "{{ . }}"', '<style>p { background: "a\\2b b\\22\\27\\3c\\2fscript\\3e\\26  c\\0é\\\\"'],
  ["<textarea>{{ . }}</textarea>{{ 1 }}", `<textarea>${TEXT}</textarea>1`],
  ["<title>{{ . }}", `<title>${TEXT}`],
  ['{{ safeHtml "<i>" }}', "<i>"],
  ['<a title="{{ safeHtml "<i>x</i>" }}">', '<a title="x">'],
  ['<script>var d = {{ safeHtml "<i>" }};', '<script>var d = "\\u003ci\\u003e";'],
];

test("a value stays a value wherever in HTML it stands, as the reference has it", () => {
  for (const [source, expected] of SAME) assert.equal(expand(source, NASTY), expected, source);
});

test("an address that would run a script is refused; one that leads on is kept", () => {
  assert.equal(expand('<a href="{{ . }}">', "javascript:alert(1)"), '<a href="#ZgotmplZ">');
  assert.equal(expand('<a href="{{ . }}">', " javascript:alert(1)"), '<a href="#ZgotmplZ">');
  assert.equal(expand("<img src={{ . }}>", "https://x/y?a=b&c"), "<img src=https://x/y?a&#61;b&amp;c>");
  assert.equal(expand('<a href="/{{ . }}">', "javascript:1"), '<a href="/javascript:1">');
  assert.equal(expand('<a HREF="{{ . }}/{{ . }}">', "a b"), '<a HREF="a%20b/a%20b">');
});

test("scripts in attributes are scripts; objects are given as JSON", () => {
  assert.equal(
    expand(`<a onclick="f({{ . }}, '{{ . }}')">`, NASTY),
    `<a onclick="f(${JSON_TEXT.replaceAll('"', "&#34;").replaceAll("+", "&#43;").replaceAll("'", "&#39;")}, '${IN_STRING}')">`,
  );
  const data = new Map<string, unknown>([
    ["a", [1n, "<"]],
    ["b", Number.NaN],
  ]);
  assert.equal(expand("<script>x = {{ . }}", data), '<script>x = {"a":[1,"\\u003c"],"b":null}');
});

test("where no value can be made safe, there is none", () => {
  assert.equal(expand("<!-- {{ . }} -->", NASTY), "<!--  -->");
  assert.equal(expand("<{{ . }}>", "script"), "<ZgotmplZ>");
  assert.equal(expand("<a {{ . }}=x>", "onclick"), "<a ZgotmplZ=x>");
  assert.equal(expand("<a {{ . }}>", "hidden"), "<a hidden>");
  assert.equal(expand("<script>// {{ . }}\nx = {{ . }} /* {{ . }} */", "y"), '<script>// \nx = "y" /*  */');
  assert.equal(expand("<script>x</script><b>{{ . }}", "<"), "<script>x</script><b>&lt;");
});
