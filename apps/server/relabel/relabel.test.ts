// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the templates are those of the rules
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { Relabeler } from "./relabel.ts";
import { DEFAULT_RELABEL_CONFIG, type RelabelConfig } from "./rule.ts";

type Rule = Partial<RelabelConfig>;

function relabel(labels: Record<string, string>, ...rules: Rule[]): Record<string, string> | undefined {
  const complete = rules.map((rule) => ({
    ...DEFAULT_RELABEL_CONFIG,
    ...rule,
    regexIsDefault: rule.regex === undefined,
  }));
  return new Relabeler(complete).apply(Labels.fromObject(labels))?.toObject();
}

const from = (...sourceLabels: string[]): Rule => ({ sourceLabels });

test("relabel replace: groups are put in by number and by name, as often as wanted", () => {
  const rule: Rule = { ...from("a"), regex: "f(?P<rest>.*)", targetLabel: "d", replacement: "ch${1}-ch$rest-$$" };
  assert.deepEqual(relabel({ a: "foo" }, rule), { a: "foo", d: "choo-choo-$" });
});

test("relabel replace: the name after a bare dollar is the longest run of letters, digits and underscores", () => {
  const rule: Rule = { ...from("a"), regex: "(.*)", targetLabel: "d", replacement: "<$1x><${1}x><$2><$><$-><${>" };
  assert.deepEqual(relabel({ a: "v" }, rule), { a: "v", d: "<><vx><><$><$-><${>" });
});

test("relabel replace: the pattern is held against the whole value, newlines included", () => {
  const part: Rule = { ...from("a"), regex: "oo", targetLabel: "b", replacement: "x" };
  assert.deepEqual(relabel({ a: "foo" }, part), { a: "foo" });
  const whole: Rule = { ...from("a"), regex: "x.*y", targetLabel: "b", replacement: "z" };
  assert.deepEqual(relabel({ a: "x\ny" }, whole), { a: "x\ny", b: "z" });
});

test("relabel replace: source values are joined by the separator, a missing label counts as empty", () => {
  const rule: Rule = { ...from("a", "nope", "b"), separator: "/", targetLabel: "c" };
  assert.deepEqual(relabel({ a: "1", b: "2" }, rule), { a: "1", b: "2", c: "1//2" });
});

test("relabel replace: an empty result removes the target label", () => {
  assert.deepEqual(relabel({ a: "1", b: "2" }, { ...from("none"), targetLabel: "b" }), { a: "1" });
  assert.deepEqual(relabel({ a: "1", b: "2" }, { targetLabel: "b", replacement: "" }), { a: "1" });
  assert.deepEqual(
    relabel({ a: "foo", f: "x" }, { ...from("a"), regex: "(f).*", targetLabel: "$1", replacement: "$2" }),
    {
      a: "foo",
    },
  );
});

test("relabel replace: a constant is set whatever the source says", () => {
  assert.deepEqual(relabel({}, { targetLabel: "env", replacement: "prod" }), { env: "prod" });
});

test("relabel replace: a target that expands to an illegal name changes nothing", () => {
  const rule: Rule = { ...from("a"), regex: "(.*)-x", targetLabel: "$1", replacement: "y" };
  assert.deepEqual(relabel({ a: "0-x" }, { ...rule, nameValidationScheme: "legacy" }), { a: "0-x" });
  assert.deepEqual(relabel({ a: "0-x" }, rule), { a: "0-x", "0": "y" });
  assert.deepEqual(relabel({ a: "-x" }, rule), { a: "-x" });
});

test("relabel: a later rule sees what an earlier one wrote", () => {
  const rules: Rule[] = [
    { ...from("a", "b"), regex: "f(.*);(.*)r", targetLabel: "a", replacement: "b${1}${2}m" },
    { ...from("c", "a"), regex: "(b).*b(.*)ba(.*)", targetLabel: "d", replacement: "$1$2$2$3" },
  ];
  assert.deepEqual(relabel({ a: "foo", b: "bar", c: "baz" }, ...rules), {
    a: "boobam",
    b: "bar",
    c: "baz",
    d: "boooom",
  });
});

test("relabel keep and drop: decide by the whole joined value", () => {
  assert.equal(relabel({ a: "foo" }, { ...from("a"), regex: ".*o.*", action: "drop" }), undefined);
  assert.deepEqual(relabel({ a: "foo" }, { ...from("a"), regex: "f|o", action: "drop" }), { a: "foo" });
  assert.equal(relabel({ a: "foo" }, { ...from("a"), regex: "fo", action: "keep" }), undefined);
  assert.deepEqual(relabel({ a: "foo" }, { ...from("a"), regex: "f.*", action: "keep" }), { a: "foo" });
  assert.deepEqual(relabel({}, { ...from("a"), regex: "", action: "keep" }), {});
});

test("relabel keepequal and dropequal: compare with the target label's value", () => {
  const labels = { a: "1", b: "1", c: "2" };
  assert.deepEqual(relabel(labels, { ...from("a"), targetLabel: "b", action: "keepequal" }), labels);
  assert.equal(relabel(labels, { ...from("a"), targetLabel: "c", action: "keepequal" }), undefined);
  assert.equal(relabel(labels, { ...from("a"), targetLabel: "b", action: "dropequal" }), undefined);
  assert.deepEqual(relabel(labels, { ...from("a"), targetLabel: "c", action: "dropequal" }), labels);
  assert.deepEqual(relabel({ a: "1" }, { ...from("x"), targetLabel: "y", action: "keepequal" }), { a: "1" });
});

test("relabel hashmod: the last eight bytes of the MD5, modulo", () => {
  const mod = (value: string, modulus: bigint): string | undefined =>
    relabel({ c: value }, { ...from("c"), targetLabel: "d", action: "hashmod", modulus })?.["d"];
  assert.equal(mod("baz", 1000n), "976");
  assert.equal(mod("foo\nbar", 1000n), "734");
  assert.equal(mod("baz", 1n), "0");
  assert.equal(mod("", 1n << 63n), String(BigInt("0xe9800998ecf8427e") % (1n << 63n)));
});

test("relabel labelmap: matching names are rewritten, values copied, the old labels stay", () => {
  const rule: Rule = { regex: "__meta_(my.*)", action: "labelmap" };
  assert.deepEqual(relabel({ a: "foo", __meta_my_x: "1", __meta_other: "2" }, rule), {
    __meta_my_x: "1",
    __meta_other: "2",
    a: "foo",
    my_x: "1",
  });
});

test("relabel labelmap: of several names with one result the last in name order wins", () => {
  assert.equal(relabel({ x1: "a", x2: "b" }, { regex: "x.", replacement: "y", action: "labelmap" })?.["y"], "b");
});

test("relabel labeldrop and labelkeep: go by name", () => {
  const labels = { a: "foo", b1: "bar", b2: "baz" };
  assert.deepEqual(relabel(labels, { regex: "(b.*)", action: "labeldrop" }), { a: "foo" });
  assert.deepEqual(relabel(labels, { regex: "(b.*)", action: "labelkeep" }), { b1: "bar", b2: "baz" });
});

test("relabel: a dropped label can be set again by a later rule", () => {
  const rules: Rule[] = [
    { regex: "port", action: "labeldrop" },
    { ...from("a"), regex: "(.+)", targetLabel: "port", replacement: "metrics" },
    { ...from("port"), regex: "^metrics$", action: "keep" },
  ];
  assert.deepEqual(relabel({ port: "foo", a: "9091" }, ...rules), { a: "9091", port: "metrics" });
});

test("relabel lowercase and uppercase: letter by letter", () => {
  const upper = (text: string): string | undefined =>
    relabel({ a: text }, { ...from("a"), targetLabel: "b", action: "uppercase" })?.["b"];
  const lower = (text: string): string | undefined =>
    relabel({ a: text }, { ...from("a"), targetLabel: "b", action: "lowercase" })?.["b"];
  assert.deepEqual(["bAr123", "straße", "ᾳ", "é"].map(upper), ["BAR123", "STRAßE", "ᾼ", "É"]);
  assert.deepEqual(["bAr123", "ΟΔΟΣ", "İ"].map(lower), ["bar123", "οδοσ", "i"]);
});

test("relabel: without rules the very same label set comes back", () => {
  const labels = Labels.fromObject({ a: "1" });
  assert.equal(new Relabeler([]).apply(labels), labels);
});

test("relabel: a pattern that makes backtracking engines explode is linear here", () => {
  const rule: Rule = { ...from("a"), regex: "(a+)+b", action: "keep" };
  assert.equal(relabel({ a: "a".repeat(5000) }, rule), undefined);
});
