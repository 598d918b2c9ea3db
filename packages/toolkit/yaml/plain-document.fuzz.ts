// What the one-pass reader takes, the library must read in the same way, to the last position; it takes nothing that is no YAML.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseByLibrary } from "./parse.ts";
import { readPlainDocument } from "./plain-document.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env["FUZZ_RUNS"] ?? 20_000);
console.log(`plain YAML fuzz: seed ${seed}`);

/** Whether the text was taken; fails when the library sees something else in it. */
function isTaken(text: string): boolean {
  const root = readPlainDocument(text);
  if (root === undefined) return false;
  assert.deepEqual({ root, secondDocument: undefined }, parseByLibrary(text), text);
  return true;
}

const WORDS = [
  ...[
    "a",
    "job_name",
    "127.0.0.1:9090",
    "$1",
    "-1",
    "(.+):\\d+",
    "x y",
    'up{job="a"} > 0',
    "http://h:1/p?q=#f",
    "é",
    "~",
    "yes",
  ],
];
/** What means something else without quotes, or nothing. */
const ODD_WORDS = [
  "a: b",
  "a #b",
  "a:",
  "[a]",
  "{",
  "'",
  '"',
  "- a",
  "*",
  "<<",
  "",
  "|",
  "---",
  "...",
  "-",
  "a, b",
  "!x",
  "&a",
];
const plainWord = fc.constantFrom(...WORDS);
const word = fc.constantFrom(...WORDS, ...ODD_WORDS);
const space = fc.constantFrom("", " ", "  ");
const comment = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  { weight: 3, arbitrary: fc.constantFrom("  # c", " #", " # a: b") },
  { weight: 1, arbitrary: fc.constantFrom("#c", " ") },
);

const quoted = word.map((text) => `"${text.replace(/[\\"]/g, "\\$&")}"`);
const single = word.map((text) => `'${text.replaceAll("'", "''")}'`);
const scalar = fc.oneof(
  { weight: 12, arbitrary: plainWord },
  { weight: 4, arbitrary: quoted },
  { weight: 4, arbitrary: single },
  { weight: 2, arbitrary: word },
);
const flow = fc.letrec((tie) => ({
  node: fc.oneof({ maxDepth: 2 }, { weight: 3, arbitrary: scalar }, tie("sequence"), tie("mapping")),
  sequence: fc.array(tie("node"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
  mapping: fc.array(fc.tuple(scalar, tie("node")), { maxLength: 2 }).map((entries) => {
    return `{${entries.map(([key, value]) => `${key}: ${value}`).join(", ")}}`;
  }),
})).node as fc.Arbitrary<string>;

/** Lines of a block without their indentation. */
interface Block {
  readonly lines: readonly string[];
  readonly isSequence: boolean;
}

const key = fc.oneof(
  { weight: 15, arbitrary: fc.constantFrom("a", "b", "job_name", "__x__", "a-b/c.d", '"q"', "'s'") },
  { weight: 1, arbitrary: scalar },
);
const indentBy = fc.constantFrom(1, 2, 2, 4);
const textBlock = fc
  .tuple(
    fc.constantFrom("|", "|-", ">", ">-", "|", "|-", ">", ">-", "|+", "|2"),
    fc.constantFrom("x", "# z"),
    fc.array(fc.constantFrom("x", "y: z", "", "", "# z", "- a", " y"), { maxLength: 5 }),
  )
  .map(([head, first, lines]) => ({ head, lines: [first, ...lines] }));
/** Texts of several lines, which the one-pass reader leaves alone. */
const going = fc.constantFrom("more", "more: x", "# c", '"more"');

const block = fc.letrec<{ block: Block; entry: string[]; item: string[] }>((tie) => ({
  block: fc.oneof(
    fc.array(tie("entry"), { minLength: 1, maxLength: 4 }).map((parts) => ({ lines: parts.flat(), isSequence: false })),
    fc.array(tie("item"), { minLength: 1, maxLength: 3 }).map((parts) => ({ lines: parts.flat(), isSequence: true })),
  ),
  entry: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(key, fc.oneof(scalar, flow), comment).map(([name, value, end]) => [`${name}: ${value}${end}`]),
    fc.tuple(key, space, comment).map(([name, spaces, end]) => [`${name}:${spaces}${end}`]),
    fc.tuple(key, textBlock, indentBy).map(([name, { head, lines }, by]) => {
      return [`${name}: ${head}`, ...lines.map((line) => (line === "" ? "" : " ".repeat(by) + line))];
    }),
    fc.tuple(key, scalar, comment, fc.constantFrom("", " ", "   "), going).map(([name, value, end, indent, more]) => {
      return [`${name}: ${value}${end}`, indent + more];
    }),
    fc
      .tuple(key, comment, indentBy, fc.boolean(), tie("block"))
      .map(([name, end, by, flush, { lines, isSequence }]) => {
        const indent = flush && isSequence ? "" : " ".repeat(by);
        return [`${name}:${end}`, ...lines.map((line) => indent + line)];
      }),
  ),
  item: fc.oneof(
    { maxDepth: 3 },
    fc.tuple(fc.oneof(scalar, flow), comment).map(([value, end]) => [`- ${value}${end}`]),
    fc.tuple(fc.constantFrom(" ", "  ", "   "), tie("block")).map(([spaces, { lines }]) => {
      const [first = "", ...rest] = lines;
      return [`-${spaces}${first}`, ...rest.map((line) => ` ${spaces}${line}`)];
    }),
    fc.tuple(indentBy, tie("block")).map(([by, { lines }]) => ["-", ...lines.map((line) => " ".repeat(by) + line)]),
  ),
})).block;

const document = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("", "---\n", "# c\n", "\n") },
      { weight: 1, arbitrary: fc.constantFrom("  ", "%YAML 1.2\n---\n", "--- # c\n") },
    ),
    block,
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom("", "\n", "\n\n# end\n") },
      { weight: 1, arbitrary: fc.constantFrom("\n...\n", "\n---\na: b\n", "\n  ") },
    ),
  )
  .map(([start, { lines }, end]) => start + lines.join("\n") + end);

/** What a slip of the hand puts in the place of a character, or before it. */
const SLIPS = ["", "", " ", "\n", "#", ":", "-", "'", '"', "\t", "  ", "[", "a", "\n\n", ", ", "\n "];
const slips = fc.oneof(
  { weight: 2, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(fc.tuple(fc.nat(), fc.constantFrom(...SLIPS)), { maxLength: 2 }) },
);

test("plain YAML fuzz: what is taken, the library reads in the same way", () => {
  let taken = 0;
  fc.assert(
    fc.property(document, slips, (text, changes) => {
      let changed = text;
      for (const [at, piece] of changes) {
        const place = at % (changed.length + 1);
        changed = changed.slice(0, place) + piece + changed.slice(piece === "" ? place + 1 : place);
      }
      if (isTaken(changed)) taken++;
    }),
    { seed, numRuns },
  );
  assert.ok(taken > numRuns / 10, `${taken} of ${numRuns} were taken`);
});
