import assert from "node:assert/strict";
import { test } from "node:test";
import { layOut } from "./table.ts";
import { drawTree } from "./tree.ts";

test("table: a column is as wide as its widest cell and two blanks, counted in characters", () => {
  assert.equal(layOut("a\tbb\t\nlöng\tc\t\n"), "a     bb  \nlöng  c   \n");
});

test("table: columns end where a line lacks them, and what follows the last tab is no cell", () => {
  assert.equal(layOut("Status:\tready\nName:\tx\n\nAddress\tName\n"), "Status:  ready\nName:    x\n\nAddress  Name\n");
});

test("table: a line break in a cell breaks its column, as in the reference", () => {
  assert.equal(layOut("a\tb\t\none\ntwo\tb\t\n"), "a  b  \none\ntwo  b  \n");
  assert.equal(layOut(""), "");
});

test("tree: children hang on their parent, the last one by a corner", () => {
  const leaf = (text: string) => ({ text, children: [] });
  const root = { text: "r", children: [{ text: "a", children: [leaf("b"), leaf("c")] }, leaf("d")] };
  assert.equal(drawTree(root), ".\n└── r\n    ├── a\n    │   ├── b\n    │   └── c\n    └── d\n");
});
