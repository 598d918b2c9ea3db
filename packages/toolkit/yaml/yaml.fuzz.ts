// Damaged and invented YAML: parsing ends with a tree or a `YamlSyntaxError`, never otherwise; and every text survives
// being written and read.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { anything, map, text } from "./codecs.ts";
import { emitYaml } from "./emit.ts";
import { YamlSyntaxError } from "./node.ts";
import { parseYaml } from "./parse.ts";
import { decodeNode, YamlReader } from "./reader.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 2000);
console.log(`yaml fuzz: seed ${seed}`);

test("YAML fuzz: any text parses or is refused with a place", () => {
  const piece = fc.constantFrom(
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "? ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&x ",
    "*x",
    "<<",
    "!!str ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "\t",
    "%",
    "---",
    "...",
    "1",
    "~",
    "\u0000",
    "é",
  );
  const texts = fc.oneof(
    fc.array(piece, { maxLength: 60 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(texts, (yaml) => {
      try {
        const { root } = parseYaml(yaml);
        if (root !== undefined) decodeNode(anything, root, new YamlReader());
      } catch (error) {
        assert.ok(error instanceof YamlSyntaxError, String((error as Error).stack));
        assert.ok(error.at.line >= 1 && error.at.column >= 1);
      }
    }),
    { seed, numRuns },
  );
});

test("YAML fuzz: written texts read back the same, as keys and as values", () => {
  const letter = fc.constantFrom(..."ab 1:#-?,[]{}&*!|>'\"%@`~.=<\\\n\t\u0007\u0085\u2028éß😀");
  const texts = fc.oneof(fc.string({ unit: letter, maxLength: 200 }), fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(texts, texts, (key, value) => {
      const yaml = emitYaml(new Map([[key, new Map([["k", value]])]]));
      const { root } = parseYaml(yaml);
      const read = root === undefined ? undefined : decodeNode(map(map(text)), root, new YamlReader());
      assert.equal(read?.get(key)?.get("k"), value, yaml);
    }),
    { seed, numRuns },
  );
});
