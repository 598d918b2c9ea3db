import assert from "node:assert/strict";
import { test } from "node:test";
import { deletePath } from "./group-path.ts";
import { decodeBase64, decodePath, groupingKey, parseGroupingKey } from "./grouping-key.ts";

const RULES = { scheme: "legacy", unescapes: false } as const;

function labelsOf(job: string, isBase64: boolean, rest: string): readonly string[] | string {
  const verdict = parseGroupingKey(job, isBase64, rest, RULES);
  return "message" in verdict ? verdict.message : verdict.labels;
}

test("grouping key: pairs in any order, base64 where the name says so, the last of a name", () => {
  assert.deepEqual(labelsOf("a", false, "/z/1/b/2"), ["b", "2", "job", "a", "z", "1"]);
  assert.deepEqual(labelsOf("a", false, "/path@base64/L3Zhci90bXA"), ["job", "a", "path", "/var/tmp"]);
  assert.deepEqual(labelsOf("YQ==", true, "/e@base64/="), ["e", "", "job", "a"]);
  assert.deepEqual(labelsOf("a", false, "/x/1/x/2"), ["job", "a", "x", "2"]);
  assert.deepEqual(labelsOf("a", false, "/"), ["job", "a"]);
});

test("grouping key: refusals in the reference's words", () => {
  assert.equal(labelsOf("a", false, "/instance"), 'odd number of components in label string "/instance"');
  assert.equal(labelsOf("a", false, "/bad-name/x"), 'improper label name "bad-name"');
  assert.equal(labelsOf("a", false, "/__name/x"), 'improper label name "__name"');
  assert.equal(labelsOf("$", true, ""), 'invalid base64 encoding in job name "": illegal base64 data at input byte 0');
  assert.equal(
    labelsOf("a", false, "/k@base64/v"),
    'invalid base64 encoding for label k="v": illegal base64 data at input byte 0',
  );
  assert.equal(labelsOf("=", true, ""), "job name is required");
});

test("grouping key: a label that is not UTF-8 is refused, whose page the reference would break for good", () => {
  assert.equal(labelsOf("a", false, "/l@base64/_w"), 'grouping label "l" has a value that is not UTF-8: "\\xff"');
  assert.equal(
    labelsOf(decodePath("a%FFb") as string, false, ""),
    'grouping label "job" has a value that is not UTF-8: "a\\xffb"',
  );
});

test("grouping key: a label with the empty value is a label that is not there", () => {
  assert.equal(groupingKey(["job", "x", "instance", ""]).key, groupingKey(["job", "x"]).key);
  assert.notEqual(groupingKey(["job", "x", "instance", "y"]).key, groupingKey(["job", "x"]).key);
});

test("base64: bytes before the fault, in whole groups", () => {
  assert.deepEqual(decodeBase64("YWJjZA"), { text: "abcd", fault: undefined });
  assert.deepEqual(decodeBase64("YWJj$"), { text: "abc", fault: 4 });
  assert.deepEqual(decodeBase64("YWJjZ"), { text: "abc", fault: 4 });
});

test("paths: bad percent signs are told from good ones", () => {
  assert.equal(decodePath("/a%20%CE%A0"), "/a Π");
  assert.equal(decodePath("/a%2"), undefined);
  assert.equal(decodePath("/a%zz"), undefined);
});

test("group path: leads back to the same labels", () => {
  const labels = ["job", "a/b", "e", "", "k", "plain-1.5", "u", "Π", "z", ".."];
  const path = decodePath(`/${deletePath(labels, false)}`) as string;
  const [, suffix, job, rest] = /^\/metrics\/job(@base64)?\/([^/]+)(\/.*)?$/.exec(path) as RegExpExecArray;
  const verdict = parseGroupingKey(job as string, suffix !== undefined, rest ?? "", RULES);
  assert.deepEqual("message" in verdict ? verdict.message : verdict.labels, [
    "e",
    "",
    "job",
    "a/b",
    "k",
    "plain-1.5",
    "u",
    "Π",
    "z",
    "..",
  ]);
});
