// A group that follows another of the same source keeps the objects of whatever did not change, so that whoever made
// something of these need not do so again.
import type { TargetGroup } from "./target-group.ts";

type Labels = ReadonlyMap<string, string>;

/** `group` with the label sets of `before` where they say the same; `before` itself when all do. */
export function sharedGroup(before: TargetGroup, group: TargetGroup): TargetGroup {
  const labels = isSame(before.labels, group.labels) ? before.labels : group.labels;
  let byAddress: Map<string, Labels> | undefined;
  let isAllSame = labels === before.labels && group.targets.length === before.targets.length;
  const targets = group.targets.map((target, i) => {
    const here = before.targets[i];
    if (here !== undefined && isSame(here, target)) return here;
    isAllSame = false;
    // Others may have come or gone before it.
    byAddress ??= new Map(before.targets.map((labels) => [labels.get("__address__") ?? "", labels]));
    const elsewhere = byAddress.get(target.get("__address__") ?? "");
    return elsewhere !== undefined && isSame(elsewhere, target) ? elsewhere : target;
  });
  return isAllSame ? before : { source: group.source, labels, targets };
}

function isSame(a: Labels, b: Labels): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [name, value] of b) if (a.get(name) !== value) return false;
  return true;
}
