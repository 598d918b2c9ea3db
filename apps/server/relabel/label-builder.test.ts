import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { LabelBuilder } from "./label-builder.ts";

test("label builder: changes are merged into the base in name order", () => {
  const builder = new LabelBuilder(Labels.fromObject({ b: "1", d: "2", f: "3" }));
  builder.set("a", "x");
  builder.set("d", "y");
  builder.set("z", "w");
  builder.set("e", "v");
  builder.delete("f");
  assert.deepEqual(builder.labels().pairs, ["a", "x", "b", "1", "d", "y", "e", "v", "z", "w"]);
});

test("label builder: a deleted label reads empty and can be set again", () => {
  const builder = new LabelBuilder(Labels.fromObject({ a: "1" }));
  builder.delete("a");
  assert.equal(builder.get("a"), "");
  assert.equal(builder.labels(), Labels.empty);
  builder.set("a", "2");
  assert.deepEqual(builder.labels().toObject(), { a: "2" });
});

test("label builder: untouched, it gives the base itself; reset, it forgets", () => {
  const base = Labels.fromObject({ a: "1" });
  const builder = new LabelBuilder(base);
  assert.equal(builder.labels(), base);
  builder.set("b", "2");
  builder.reset(base);
  assert.equal(builder.labels(), base);
});

test("label builder: changed labels come last in the walk, oldest change first", () => {
  const builder = new LabelBuilder(Labels.fromObject({ a: "1", b: "2", c: "3" }));
  builder.set("b", "x");
  builder.set("a", "y");
  assert.deepEqual(builder.entries(), [
    ["c", "3"],
    ["b", "x"],
    ["a", "y"],
  ]);
});
