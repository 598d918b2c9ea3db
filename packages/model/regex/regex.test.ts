// biome-ignore-all lint/suspicious/noTemplateCurlyInString: templates of relabeling look like that
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex, compileReplaceRegex, Matcher, RegexSyntaxError } from "../index.ts";

test("regex: patterns take the cheapest way that knows them", () => {
  const ways: readonly [string, string][] = [
    ["", "literals"],
    ["a|b|c", "literals"],
    ["^foo$", "literals"],
    ["a(b|c[0-9])d?", "literals"],
    ["(?i)get", "literals"],
    [".*", "wildcards"],
    [".+", "wildcards"],
    ["foo.*", "wildcards"],
    [".*foo.+(bar|baz)", "wildcards"],
    ["a.*|b.*|.*c", "wildcards"],
    ["[0-9]+", "backtracking"],
    ["5..", "backtracking"],
    ["(?i)GET_.*", "wildcards"],
    ["(?i)production_.*", "backtracking"],
    ["node-[a-z0-9]+-[0-9]{1,3}", "backtracking"],
    ["(a|b)+c", "re2"],
    ["(a*)*", "re2"],
    ["[a-z]*[a-z]*[a-z]*x", "re2"],
    ["\\bfoo", "re2"],
    ["\\p{L}+", "re2"],
  ];
  for (const [source, engine] of ways) assert.equal(compileRegex(source).engine, engine, source);
});

test("regex: anchored at both ends, dot matches newline, characters are code points", () => {
  const cases: readonly [string, string, boolean][] = [
    ["foo", "foobar", false],
    ["a|bc", "abc", false],
    [".*", "a\nb", true],
    ["a.b", "a\nb", true],
    ["(?-s)a.b", "a\nb", false],
    ["(?-s).*", "a\nb", false],
    [".", "🔥", true],
    ["..", "🔥", false],
    [".+x", "🔥x", true],
    ["[^a]", "🔥", true],
    ["(?i)straße", "STRAßE", true],
    ["(?i)k", "\u212a", true],
    ["(?i)s", "\u017f", true],
    ["a{2}", "a{2}", false],
    ["a{,2}", "a{,2}", true],
    ["a{", "a{", true],
    ["\\Qa.b\\E", "a.b", true],
    ["[]a]+", "]a]", true],
    ["[a-]", "-", true],
    ["\\s", "\v", false],
    ["a$b", "a$b", false],
    ["x*", "", true],
    [".*foo.*foo.*", "foofo", false],
    [".*aa.*aa.*", "aaaa", true],
    [".*aa.*aa", "aaa", false],
    ["ab.*b", "ab", false],
  ];
  for (const [source, text, matches] of cases)
    assert.equal(compileRegex(source).matches(text), matches, `${source} on ${text}`);
});

test("regex: literals and prefix are those that every match has", () => {
  const shapes: readonly [string, readonly string[] | undefined, string][] = [
    ["foo|bar|foo", ["foo", "bar"], ""],
    ["foo|fob", ["foo", "fob"], "fo"],
    ["a[bc]?", ["a", "ab", "ac"], "a"],
    ["(GET|POST)_[0-2]", ["GET_0", "GET_1", "GET_2", "POST_0", "POST_1", "POST_2"], ""],
    ["prod-.*", undefined, "prod-"],
    ["(prod|prox)-[0-9]+", undefined, "pro"],
    ["a+b", undefined, "a"],
    ["[a-z]{3}", undefined, ""],
    ["🔥.*|🔦.*", undefined, ""],
  ];
  for (const [source, literals, prefix] of shapes) {
    const regex = compileRegex(source);
    assert.deepEqual(regex.literals?.toSorted(), literals?.toSorted(), source);
    assert.equal(regex.prefix, prefix, source);
  }
});

test("regex: what RE2 refuses is refused in Go's words", () => {
  const refusals: readonly [string, string][] = [
    ["(", "error parsing regexp: missing closing ): `(`"],
    ["a)(b", "error parsing regexp: unexpected ): `a)(b`"],
    ["[a", "error parsing regexp: missing closing ]: `[a`"],
    ["*", "error parsing regexp: missing argument to repetition operator: `*`"],
    ["a**", "error parsing regexp: invalid nested repetition operator: `**`"],
    ["a{1001}", "error parsing regexp: invalid repeat count: `{1001}`"],
    // V8's error came out, and the request failed as if the server were broken.
    ["a{1,0}", "error parsing regexp: invalid repeat count: `{1,0}`"],
    ["(?:[{2,1}]\\{2,1}\\Q{2,1}\\E){12,3}?", "error parsing regexp: invalid repeat count: `{12,3}`"],
    ["\\", "error parsing regexp: trailing backslash at end of expression: ``"],
    ["(?=a)", "error parsing regexp: invalid or unsupported Perl syntax: `(?=`"],
    ["\\8", "error parsing regexp: invalid escape sequence: `\\8`"],
  ];
  for (const [source, message] of refusals) {
    assert.throws(
      () => compileRegex(source),
      (error) => error instanceof RegexSyntaxError && error.message === message,
    );
  }
  assert.throws(() => new Matcher("=~", "a", "("), RegexSyntaxError);
  assert.throws(() => compileReplaceRegex("("), /missing closing \): `\^\(\?s:\(\)\$`/);
});

test("regex: patterns that explode elsewhere answer at once", () => {
  const text = `${"a".repeat(20_000)}!`;
  for (const source of [
    "(a+)+b",
    "(a|a)*b",
    "(a|aa)+b",
    "a*a*a*a*a*b",
    "(.*a){12}b",
    "(x+x+)+y",
    "([a-z]+)*1",
    ".*.*.*=.*;",
  ]) {
    const started = performance.now();
    assert.equal(compileRegex(source).matches(text), false);
    // No measure of speed: a backtracking engine would take longer than the universe has lasted.
    assert.ok(performance.now() - started < 20_000, source);
  }
});

test("replace: templates expand by Go's rules", () => {
  const cases: readonly [string, string, string, string | undefined][] = [
    ["(.*)", "$1", "abc", "abc"],
    ["(.*)", "x-${1}-$0", "abc", "x-abc-abc"],
    ["(.*):.*", "$1", "host:9100", "host"],
    ["([^:]+)(?::\\d+)?", "$1:9100", "host:80", "host:9100"],
    ["([^:]+)(?::\\d+)?", "$1:9100", "host", "host:9100"],
    ["(.*)", "$1x", "abc", ""],
    ["(.*)", "${1}x", "abc", "abcx"],
    ["(?P<name>a.*)", "${name}/$name/$nam", "abc", "abc/abc/"],
    ["(?<name>a.*)", "$name", "abc", "abc"],
    ["(a)(b)?", "$1-$2-$3", "a", "a--"],
    ["a", "$$1 $ ${1 ${} $-", "a", "$1 $ ${1 ${} $-"],
    ["(a)", "$01$1", "a", "a"],
    ["foo", "bar", "food", undefined],
    ["(a+)(a*)", "$2|$1", "aaa", "|aaa"],
    ["(a+?)(a*)", "$2|$1", "aaa", "aa|a"],
    ["(a|ab)(c|bcd)", "$1,$2", "abcd", "a,bcd"],
    ["((a|b)+)x", "$1,$2", "abx", "ab,b"],
    ["a)(b", "$1", "ab", "b"],
  ];
  for (const [source, template, text, result] of cases) {
    assert.equal(compileReplaceRegex(source).expand(template, text), result, `${source} ${template} on ${text}`);
  }
  const regex = compileReplaceRegex("(.+)-(.+)");
  assert.equal(regex.matches("a-b"), true);
  assert.equal(regex.matches("ab"), false);
  assert.equal(regex.expand("$2", "a-b"), "b");
  assert.equal(regex.expand("$1", "a-b"), "a");
});
