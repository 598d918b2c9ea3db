import assert from "node:assert/strict";
import { test } from "node:test";
import { sharedGroup } from "./shared-group.ts";
import type { TargetGroup } from "./target-group.ts";

function group(labels: Record<string, string>, ...targets: Record<string, string>[]): TargetGroup {
  return {
    source: "s",
    labels: new Map(Object.entries(labels)),
    targets: targets.map((target) => new Map(Object.entries(target))),
  };
}

const A = { __address__: "a", x: "1" };
const B = { __address__: "b", x: "1" };

test("shared groups: an equal group is the former one", () => {
  const before = group({ l: "1" }, A, B);
  assert.equal(sharedGroup(before, group({ l: "1" }, { ...A }, { ...B })), before);
  assert.equal(sharedGroup(group({}), group({})).targets.length, 0);
});

test("shared groups: what changed is new, the rest is the former, wherever it stands", () => {
  const before = group({ l: "1" }, A, B);
  const changed = sharedGroup(before, group({ l: "1" }, { ...A, x: "2" }, B));
  assert.equal(changed.labels, before.labels);
  assert.equal(changed.targets[0]?.get("x"), "2");
  assert.equal(changed.targets[1], before.targets[1]);
  const moved = sharedGroup(before, group({ l: "1" }, B));
  assert.deepEqual([moved.targets.length, moved.targets[0] === before.targets[1]], [1, true]);
  const relabeled = sharedGroup(before, group({ l: "2" }, A, B));
  assert.equal(relabeled.labels.get("l"), "2");
  assert.equal(relabeled.targets[0], before.targets[0]);
  assert.notEqual(relabeled, before);
  assert.equal(sharedGroup(before, group({ l: "1" }, A, B, { ...A, x: "3" })).targets.length, 3);
});
