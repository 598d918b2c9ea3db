import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bool,
  duration,
  filePath,
  float,
  int,
  list,
  map,
  optional,
  secret,
  size,
  text,
  uint,
  uint64,
  url,
} from "./codecs.ts";
import { emitYaml, Flow } from "./emit.ts";
import { YamlSyntaxError } from "./node.ts";
import { parseYaml } from "./parse.ts";
import { type Codec, decodeNode, YamlReader } from "./reader.ts";
import { tagOf } from "./resolve.ts";
import { field, struct } from "./struct.ts";

function read<T>(codec: Codec<T>, yaml: string, directory?: string): { value: T; problems: string[] } {
  const reader = new YamlReader(directory);
  const { root } = parseYaml(yaml);
  assert.ok(root);
  const value = decodeNode(codec, root, reader);
  return { value, problems: reader.problems.map(({ at, message }) => `${at.line}:${at.column} ${message}`) };
}

function syntaxProblem(yaml: string): string {
  try {
    parseYaml(yaml);
  } catch (error) {
    assert.ok(error instanceof YamlSyntaxError, String(error));
    return `${error.at.line}:${error.at.column} ${error.message}`;
  }
  return "";
}

test("YAML scalars: each reader takes the meaning it needs from the same text", () => {
  assert.equal(read(text, "5").value, "5");
  assert.equal(read(text, "yes").value, "yes");
  assert.equal(read(int, "0x1F").value, 31);
  assert.equal(read(int, "1_000").value, 1000);
  assert.equal(read(int, "010").value, 8);
  assert.equal(read(int, "1e3").value, 1000);
  assert.equal(read(float, "-.inf").value, Number.NEGATIVE_INFINITY);
  assert.equal(read(bool, "On").value, true);
  assert.equal(read(uint64, "18446744073709551615").value, (1n << 64n) - 1n);
  assert.equal(read(duration, "1h30m").value, 5_400_000);
  assert.equal(read(size, "1.5KB").value, 1536);
});

test("YAML scalars: null stands for the zero value of every type", () => {
  for (const nothing of ["", "~", "null"]) {
    assert.equal(read(map(text), `a: ${nothing}`).value.get("a"), "");
    assert.equal(read(map(int), `a: ${nothing}`).value.get("a"), 0);
    assert.equal(read(map(optional(bool)), `a: ${nothing}`).value.get("a"), undefined);
  }
  assert.equal(read(map(text), 'a: "null"').value.get("a"), "null");
});

test("YAML scalars: what does not fit is reported with its place, in the reference's words", () => {
  assert.deepEqual(read(int, "abc").problems, ["1:1 cannot unmarshal !!str `abc` into int"]);
  assert.deepEqual(read(uint, "-1").problems, ["1:1 cannot unmarshal !!int `-1` into uint"]);
  assert.deepEqual(read(bool, '"true"').problems, ["1:1 cannot unmarshal !!str `true` into bool"]);
  assert.deepEqual(read(list(text), "a: b").problems, ["1:1 cannot unmarshal !!map into []string"]);
  assert.deepEqual(read(map(text), "[a]").problems, ["1:1 cannot unmarshal !!seq into map[string]string"]);
  assert.deepEqual(read(int, "a long text indeed").problems, ["1:1 cannot unmarshal !!str `a long ...` into int"]);
  assert.deepEqual(read(map(duration), "a:\n  5x").problems, ['2:3 unknown unit "x" in duration "5x"']);
  assert.deepEqual(read(size, "100").problems, ["1:1 units: unknown unit  in 100"]);
  assert.deepEqual(read(url, '"http://a b/"').problems, [
    '1:1 parse "http://a b/": invalid character " " in host name',
  ]);
});

interface Server {
  name: string;
  port: number;
  tags: readonly string[];
}

const server = struct<Server>(
  "config.Server",
  [
    field<Server>("name", "name", text),
    field<Server>("port", "port", int, { initial: () => 80, keep: true }),
    field<Server>("tags", "tags", list(text)),
  ],
  {
    check(value, reader) {
      if (value.name === "") reader.invalid(reader.place(value, "name"), "name is empty");
    },
  },
);

test("YAML mappings: defaults are filled in, order of keys is free", () => {
  assert.deepEqual(read(server, "tags: [a]\nname: x").value, { name: "x", port: 80, tags: ["a"] });
});

test("YAML mappings: unknown and repeated keys are all reported, and the value is then not checked as a whole", () => {
  assert.deepEqual(read(server, "prot: 1\nport: 1\nport: 2\nzzzzzz: 3").problems, [
    '1:1 field prot not found in type config.Server, did you mean "port"?',
    "3:1 field port already set in type config.Server",
    "4:1 field zzzzzz not found in type config.Server",
  ]);
  assert.deepEqual(read(server, "port: 1").problems, ["1:1 name is empty"]);
});

test("YAML mappings: keys merged in by `<<` may be written again, and lose", () => {
  const yaml = "base: &base {name: a, port: 1}\nitem:\n  <<: *base\n  name: b";
  const { value, problems } = read(map(server), yaml);
  assert.deepEqual(problems, []);
  assert.deepEqual(value.get("item"), { name: "b", port: 1, tags: [] });
});

test("YAML maps: a key may be called __proto__", () => {
  assert.equal(read(map(text), "__proto__: x").value.get("__proto__"), "x");
});

test("YAML syntax: mistakes carry line, column and familiar words", () => {
  assert.match(syntaxProblem("a:\n\t- b"), /^2:\d+ yaml: line 2: found character that cannot start any token/);
  assert.match(syntaxProblem("a: b: c"), /^1:\d+ yaml: line 1: mapping values are not allowed in this context/);
  assert.match(syntaxProblem("a: [b"), /^1:\d+ yaml: line 1: /);
  assert.match(syntaxProblem("a: *nope"), /^1:4 yaml: /);
});

test("YAML aliases: shared parts are read once, but a bomb and a loop are refused", () => {
  const level = (i: number): string =>
    `a${i}: &a${i} [${Array(10)
      .fill(`*a${i - 1}`)
      .join(", ")}]\n`;
  const bomb = `a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n${[1, 2, 3, 4, 5, 6, 7, 8].map(level).join("")}`;
  assert.match(syntaxProblem(bomb), /excessive aliasing/);
  const chain = Array.from({ length: 1000 }, (_, i) => `b${i + 1}: &b${i + 1} [*b${i}]\n`).join("");
  assert.match(syntaxProblem(`b0: &b0 [x]\n${chain}`), /excessive aliasing/);
  assert.match(syntaxProblem("a: &a [*a]"), /anchor 'a' value contains itself/);
});

test("YAML nesting: depth is bounded, and depth beyond any stack is an error, not a crash", () => {
  assert.match(syntaxProblem("[".repeat(300) + "]".repeat(300)), /exceeded max depth/);
  assert.match(syntaxProblem("[".repeat(200_000)), /yaml: /);
});

test("YAML documents: an empty one has no root, a second one is noticed", () => {
  assert.equal(parseYaml("").root, undefined);
  assert.equal(parseYaml("# only a remark\n").root, undefined);
  assert.deepEqual(parseYaml("a: 1\n---\nb: 2\n").secondDocument, { line: 2, column: 1 });
});

test("file paths: relative ones are resolved against the document's directory", () => {
  assert.deepEqual(read(list(filePath()), '[a/b.pem, /c, ""]', "/etc/x").value, ["/etc/x/a/b.pem", "/c", ""]);
});

test("YAML writing: keys in order, lists not indented, quotes only where needed", () => {
  const value = new Map<string, unknown>([
    ["plain", "a b"],
    ["number", "5"],
    ["bool", "yes"],
    ["empty", ""],
    ["colon", "a: b"],
    ["hash", "#a"],
    ["quote", "it's"],
    ["lead", " a"],
    ["date", "2020-01-01"],
    ["sixty", "12:30"],
    ["lines", "a\nb\n"],
    ["tab", "a\tb"],
    ["flow", new Flow(["a", "b-c", "d,e"])],
    ["list", ["x", new Map([["k", 1.5]]), []]],
    ["none", new Map()],
  ]);
  assert.equal(
    emitYaml(value as never),
    `plain: a b
number: "5"
bool: "yes"
empty: ""
colon: 'a: b'
hash: '#a'
quote: it's
lead: ' a'
date: "2020-01-01"
sixty: "12:30"
lines: |
  a
  b
tab: "a\\tb"
flow: [a, b-c, 'd,e']
list:
- x
- k: 1.5
- []
none: {}
`,
  );
});

test("YAML writing: what was written reads back as it was", () => {
  const awkward = [
    "a",
    " ",
    "- x",
    "? y",
    "{a}",
    "[b",
    "*c",
    "&d",
    "!e",
    "%f",
    "@g",
    "`h",
    "|",
    ">",
    "a #b",
    "~",
    "null",
    "1e3",
    "0x1",
    ".5",
    "-",
    "--- a",
    "é",
    "\u2028",
    "😀",
    "a\n\nb",
    "\n",
    "x\n ",
    "tab\there",
    "\u0007",
    "a:",
    ":a",
    "<<",
    "=",
    "long ".repeat(40).trim(),
    `"${"long ".repeat(40)}`,
    `- ${"a  b ".repeat(30)}`,
  ];
  for (const each of awkward) {
    const yaml = emitYaml(new Map([["k", each]]));
    const { value } = read(map(text), yaml);
    assert.equal(value.get("k"), each, yaml);
  }
});

test("YAML writing: secrets and passwords stay inside", () => {
  const { value } = read(map(secret), "a: hunter2\nb:");
  assert.equal(emitYaml(map(secret).encode(value)), "a: <secret>\nb: null\n");
  assert.ok(!JSON.stringify({ v: value.get("a") }).includes("hunter2"));
  assert.ok(!`${value.get("a")}`.includes("hunter2"));
  assert.equal(value.get("a")?.reveal(), "hunter2");
  const address = read(url, "http://user:pw@host/x").value;
  assert.equal(String(address), "http://user:xxxxx@host/x");
  assert.equal(address?.reveal(), "http://user:pw@host/x");
});

test("YAML tags: plain texts are resolved as the reference resolves them", () => {
  const tags = [
    "",
    "x",
    "1",
    "1.0",
    "1.",
    ".5",
    "+1",
    "0b1",
    "0o7",
    "08",
    "1e5",
    ".inf",
    "y",
    "True",
    "<<",
    "2020-01-01",
    "1.2.3",
    "-",
  ].map(tagOf);
  assert.deepEqual(tags, [
    "!!null",
    "!!str",
    "!!int",
    "!!float",
    "!!float",
    "!!float",
    "!!int",
    "!!int",
    "!!int",
    "!!float",
    "!!float",
    "!!float",
    "!!bool",
    "!!bool",
    "!!merge",
    "!!timestamp",
    "!!str",
    "!!str",
  ]);
});
