// The file format of target groups, JSON or YAML: what file discovery reads, and HTTP discovery as JSON.
import { parse } from "yaml";
import type { TargetGroup } from "./target-group.ts";

/** Aliases a YAML file may use in all: a few lines must not unfold into millions. */
const MAX_ALIASES = 100;

/** A file of target groups breaks its format; the message says which group and what. */
export class GroupFormatError extends Error {
  override readonly name = "GroupFormatError";
}

/**
 * Reads a list of `{targets: [address], labels: {name: value}}`. Sources are `<path>:<index>`, and all targets get
 * `extraLabels`. Throws a `GroupFormatError`. JSON refuses unknown keys, YAML too.
 */
export function parseGroups(
  text: string,
  format: "json" | "yaml",
  path: string,
  extraLabels: readonly (readonly [string, string])[],
): TargetGroup[] {
  const list = decode(text, format);
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new GroupFormatError("expected a list of target groups");
  return list.map((item: unknown, index) => readGroup(item, index, path, extraLabels));
}

function decode(text: string, format: "json" | "yaml"): unknown {
  try {
    return format === "json" ? JSON.parse(text) : parse(text, { maxAliasCount: MAX_ALIASES, uniqueKeys: true });
  } catch (error) {
    throw new GroupFormatError((error as Error).message, { cause: error });
  }
}

function readGroup(
  item: unknown,
  index: number,
  path: string,
  extraLabels: readonly (readonly [string, string])[],
): TargetGroup {
  if (item === null || item === undefined) throw new GroupFormatError(`nil target group item found (index ${index})`);
  if (typeof item !== "object" || Array.isArray(item)) throw new GroupFormatError(`group ${index} is no object`);
  for (const key of Object.keys(item)) {
    if (key !== "targets" && key !== "labels") throw new GroupFormatError(`group ${index}: unknown field "${key}"`);
  }
  const { targets = [], labels = {} } = item as { targets?: unknown; labels?: unknown };
  const addresses = targets ?? [];
  if (!Array.isArray(addresses) || addresses.some((address) => typeof address !== "string")) {
    throw new GroupFormatError(`group ${index}: targets must be a list of strings`);
  }
  const ofGroup = new Map<string, string>();
  if (typeof labels !== "object" || Array.isArray(labels)) {
    throw new GroupFormatError(`group ${index}: labels must map names to strings`);
  }
  for (const [name, value] of Object.entries(labels ?? {})) {
    // YAML writes `port: 80` for what is meant as text; JSON means what it says.
    const isScalar = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (!isScalar) throw new GroupFormatError(`group ${index}: label "${name}" must be a string`);
    ofGroup.set(name, String(value));
  }
  for (const [name, value] of extraLabels) ofGroup.set(name, value);
  return {
    source: `${path}:${index}`,
    labels: ofGroup,
    targets: addresses.map((address) => new Map([["__address__", address as string]])),
  };
}
