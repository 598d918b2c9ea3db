import assert from "node:assert/strict";
import { test } from "node:test";
import { LabelBytes } from "./label-bytes.ts";

function labelBytes(...pairs: [string, string][]): LabelBytes {
  const labels = new LabelBytes();
  for (const [name, value] of pairs) labels.addText(name, value);
  return labels;
}

test("label bytes: text and bytes come back as labels, also beyond the first capacity and after a clear", () => {
  const labels = new LabelBytes();
  for (let round = 0; round < 2; round++) {
    labels.clear();
    const expected: Record<string, string> = {};
    for (let i = 100; i < 200; i++) {
      const text = Buffer.from(`<n${i}|välue ${i}>`);
      labels.add(text, 1, text.indexOf("|"), text.indexOf("|") + 1, text.length - 1);
      expected[`n${i}`] = `välue ${i}`;
    }
    labels.addText("z\u{1f525}", "\ufeffmark");
    expected["z\u{1f525}"] = "\ufeffmark";
    assert.deepEqual(labels.toLabels().toObject(), expected);
    assert.equal(labels.firstFault(), -1);
  }
});

test("label bytes: the first label that is empty, repeated or out of order is named", () => {
  const cases: [number, [string, string][]][] = [
    [-1, []],
    [-1, [["a", "1"]]],
    [-1, [["B", "1"], ["a", "1"], ["ab", "1"], ["é", "1"]]],
    [0, [["", "1"]]],
    [0, [["a", ""]]],
    [1, [["a", "1"], ["b", ""]]],
    [1, [["a", "1"], ["a", "2"]]],
    [1, [["ab", "1"], ["a", "2"]]],
    [2, [["a", "1"], ["c", "2"], ["b", "3"]]],
    // By UTF-16 code units these would be the other way round.
    [-1, [["\uff5e", "1"], ["\u{10348}", "2"]]],
    [1, [["\u{10348}", "1"], ["\uff5e", "2"]]],
  ]; // biome-ignore format: one case a line
  for (const [fault, pairs] of cases) assert.equal(labelBytes(...pairs).firstFault(), fault, JSON.stringify(pairs));
});
