import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { fingerprintOf } from "./fingerprint.ts";
import { compareLabelSets, labelSetText } from "./label-set.ts";

test("fingerprints are the reference's", () => {
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ alertname: "A<b>&" }, "23736d1359aa0a29"],
    [{ alertname: "B", severity: "page" }, "23b442886f59ca94"],
    [{}, "cbf29ce484222325"],
  ];
  for (const [labels, fingerprint] of cases) assert.equal(fingerprintOf(Labels.fromObject(labels)), fingerprint);
});

test("label sets: text and order", () => {
  const set = (labels: Record<string, string>): Labels => Labels.fromObject(labels);
  assert.equal(labelSetText(set({ b: 'x"y', a: "1" })), '{a="1", b="x\\"y"}');
  assert.ok(compareLabelSets(set({ a: "1" }), set({ a: "2" })) < 0);
  assert.equal(compareLabelSets(set({ a: "1" }), set({ a: "1" })), 0);
});
