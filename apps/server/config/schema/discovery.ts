// The `*_sd_configs` and `static_configs` keys, as they stand among the keys of a job or a set of Alertmanagers.
import { type Field, field, quote, type StructShape, type YamlReader, yamlCodec } from "@narthex/toolkit";
import type { DiscoveryConfig, DiscoveryKind } from "../types.ts";
import { mechanisms } from "./discovery-mechanisms.ts";
import type { DiscoveryBody } from "./mechanism.ts";
import { type GroupDraft, targetGroup } from "./target-group.ts";

const { list } = yamlCodec;

const EMPTY_GROUP = "empty or null section in static_configs";

/** What the keys are read into, before `gatherDiscovery` makes one list of them. */
export type DiscoveryLists = Partial<Record<DiscoveryKind, readonly (DiscoveryBody | GroupDraft)[]>>;

function keyOf(kind: DiscoveryKind): string {
  return kind === "static" ? "static_configs" : `${kind}_sd_configs`;
}

const fields: Field[] = [
  field<DiscoveryLists>("static_configs", "static", list(targetGroup, { nullItem: EMPTY_GROUP })),
  ...[...mechanisms].map(([kind, codec]) =>
    field<DiscoveryLists>(keyOf(kind), kind, list(codec, { nullItem: `empty or null section in ${keyOf(kind)}` })),
  ),
].sort((a, b) => (a.key < b.key ? -1 : 1));

/** The keys, in the order in which they are written. */
export const discoveryShape: StructShape = { members: fields };

/** Makes one list of what was read; static groups come last, numbered. Reports empty static groups. */
export function gatherDiscovery(lists: DiscoveryLists, reader: YamlReader): DiscoveryConfig[] {
  const gathered: DiscoveryConfig[] = [];
  for (const { name } of fields) {
    const kind = name as DiscoveryKind;
    if (kind === "static") continue;
    for (const body of (lists[kind] ?? []) as readonly DiscoveryBody[]) gathered.push(withKind(kind, body));
  }
  const groups = (lists.static ?? []) as readonly GroupDraft[];
  for (const [index, group] of groups.entries()) {
    if (group.targets.length === 0 && group.labels.size === 0) reader.invalid(reader.place(group), EMPTY_GROUP);
    group.source = String(index);
  }
  if (groups.length > 0) gathered.push({ kind: "static", groups });
  return gathered;
}

function withKind(kind: DiscoveryKind, body: DiscoveryBody): DiscoveryConfig {
  if (kind === "file") {
    return { kind, files: body["files"] as string[], refreshIntervalMs: body["refreshIntervalMs"] as number };
  }
  if (kind === "http") {
    return {
      kind,
      url: body["url"] as never,
      refreshIntervalMs: body["refreshIntervalMs"] as number,
      http: body.http as never,
    };
  }
  return { kind: kind as never, body, http: body.http };
}

/** The reverse of `gatherDiscovery`, for writing. */
export function spreadDiscovery(configs: readonly DiscoveryConfig[]): DiscoveryLists {
  const lists: Record<string, object[]> = {};
  for (const { name } of fields) lists[name] = [];
  for (const config of configs) {
    const target = lists[config.kind] as object[];
    switch (config.kind) {
      case "static":
        target.push(...config.groups);
        break;
      case "file":
        target.push({ files: config.files, refreshIntervalMs: config.refreshIntervalMs });
        break;
      case "http":
        target.push({ url: config.url, refreshIntervalMs: config.refreshIntervalMs, http: config.http });
        break;
      default:
        target.push(config.body);
    }
  }
  return lists as DiscoveryLists;
}

/** Reports targets that are URLs: without relabeling rules they can never be scraped. */
export function checkStaticTargets(configs: readonly DiscoveryConfig[], reader: YamlReader): void {
  for (const config of configs) {
    if (config.kind !== "static") continue;
    for (const group of config.groups) {
      for (const [index, target] of group.targets.entries()) {
        if (!target.includes("/")) continue;
        reader.invalid(reader.itemPlace(group, "targets", index), `${quote(target)} is not a valid hostname`);
      }
    }
  }
}
