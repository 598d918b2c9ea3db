import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { textFlag } from "@narthex/toolkit";
import { type Command, commandValues, missingFlags, readCommandLine } from "./command-line.ts";
import { booleanSwitch, textOption } from "./command-table.ts";

const HELP = booleanSwitch("help", "", { short: "h" });
const WORDS = { name: "words", property: "words", type: textFlag, repeatable: true, help: "" };
const ROOT: Command = {
  name: "tool",
  help: "",
  flags: [HELP, textOption("output", "", { short: "o", default: "simple" })],
  commands: [
    {
      name: "list",
      help: "",
      flags: [],
      commands: [
        {
          name: "query",
          help: "",
          isDefault: true,
          flags: [booleanSwitch("quiet", "", { short: "q" }), booleanSwitch("all", "", { short: "a" })],
          argument: WORDS,
        },
        {
          name: "add",
          help: "",
          flags: [textOption("note", "", { repeatable: true, required: true })],
          argument: WORDS,
        },
      ],
    },
    { name: "one", help: "", flags: [], argument: { ...WORDS, repeatable: false } },
  ],
};

function read(...argv: string[]): { path: string; values: Readonly<Record<string, unknown>>; missing: string[] } {
  const line = readCommandLine(ROOT, argv, HELP);
  const path = line.path.map(({ name }) => name).join(" ");
  return { path, values: commandValues(line, new Map()), missing: missingFlags(line) };
}

test("command line: flags stand anywhere, short ones together or with their value behind them", () => {
  const { path, values } = read("list", "a", "-qa", "b", "-ojson", "query");
  assert.equal(path, "tool list query");
  assert.deepEqual(
    { ...values, help: undefined },
    { help: undefined, output: "json", quiet: true, all: true, words: ["a", "b", "query"] },
  );
});

test("command line: a default command is entered for its words and for its flags, but not behind --help", () => {
  assert.equal(read("list").path, "tool list query");
  assert.equal(read("list", "--quiet").path, "tool list query");
  assert.equal(read("list", "--help").path, "tool list");
});

test("command line: values repeat where they may, what is negated is false, -- ends the flags", () => {
  const { values, missing } = read("list", "add", "--note=a", "--note", "b", "--", "--note");
  assert.deepEqual([values["note"], values["words"], missing], [["a", "b"], ["--note"], []]);
  assert.equal(read("list", "--no-quiet").values["quiet"], false);
  assert.deepEqual(read("list", "add").missing, ["note"]);
});

for (const [argv, message] of [
  [["nothing"], 'expected command but got "nothing"'],
  [["-"], 'expected command but got ""'],
  [["list", "add", "--quiet"], "unknown long flag '--quiet'"],
  [["list", "add", "-q"], "unknown short flag '-q'"],
  [["list", "--no-note"], "unknown long flag '--no-note'"],
  [["-o"], "expected argument for flag '-o'"],
  [["--output", "-x"], "expected argument for flag '--output'"],
  [["one", "a", "b"], "unexpected b"],
  [["-o", "a", "list", "-o", "b"], "flag 'output' cannot be repeated"],
  [
    ["list", "@/nothing/here"],
    'failed to open arguments file "/nothing/here": open /nothing/here: no such file or directory',
  ],
] as const)
  test(`command line: ${argv.join(" ")} is refused`, () => {
    assert.throws(() => read(...argv), { message });
  });

test("command line: @FILE stands for its lines, comments left out, and one that names itself comes to an end", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-test-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "args");
  writeFileSync(file, "# words\na b\n--quiet\n\n");
  assert.deepEqual(read("list", `@${file}`, "c").values["words"], ["a b", "c"]);
  writeFileSync(file, `@${file}\n`);
  assert.throws(() => read("list", `@${file}`), /too many arguments files/);
});
