// The file format of target groups, JSON or YAML: what file discovery reads, and HTTP discovery as JSON.
import { decodeNode, isNull, parseYaml, YamlReader, yamlCodec } from "@narthex/toolkit";
import { targetGroup } from "../config/index.ts";
import { groupOfAddresses, type TargetGroup } from "./target-group.ts";

/** A file of target groups breaks its format; the message says where and what. */
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
  const groups = format === "yaml" ? readYaml(text) : readJson(text);
  return groups.map(({ targets, labels }, index) =>
    groupOfAddresses(`${path}:${index}`, new Map([...labels, ...extraLabels]), targets),
  );
}

interface WrittenGroup {
  readonly targets: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
}

const targetGroups = yamlCodec.list(targetGroup, { type: "[]*targetgroup.Group" });

/** The groups of the first document. Texts need no quotes: `port: 80` is one too. */
function readYaml(text: string): readonly WrittenGroup[] {
  const { root } = syntax(() => parseYaml(text));
  if (root === undefined) return [];
  const reader = new YamlReader();
  const groups = decodeNode(targetGroups, root, reader);
  const { problems } = reader;
  const lines = problems
    .filter(({ kind }) => kind === "shape")
    .map(({ at, message }) => `  line ${at.line}: ${message}`);
  if (lines.length > 0) throw new GroupFormatError(`yaml: unmarshal errors:\n${lines.join("\n")}`);
  if (problems[0] !== undefined) throw new GroupFormatError(problems[0].message);
  const missing = root.kind === "sequence" ? root.items.findIndex(isNull) : -1;
  if (missing >= 0) throw new GroupFormatError(`nil target group item found (index ${missing})`);
  return groups;
}

function readJson(text: string): readonly WrittenGroup[] {
  const list = syntax(() => JSON.parse(text) as unknown);
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new GroupFormatError("expected a list of target groups");
  return list.map(checkGroup);
}

/** What is wrong with the text is told as a `GroupFormatError`. */
function syntax<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new GroupFormatError((error as Error).message, { cause: error });
  }
}

/** In JSON only `null` stands for an empty text. */
function checkGroup(item: unknown, index: number): WrittenGroup {
  if (item === null || item === undefined) throw new GroupFormatError(`nil target group item found (index ${index})`);
  if (typeof item !== "object" || Array.isArray(item)) throw new GroupFormatError(`group ${index} is no object`);
  for (const key of Object.keys(item)) {
    if (key !== "targets" && key !== "labels") throw new GroupFormatError(`group ${index}: unknown field "${key}"`);
  }
  const { targets, labels } = item as { targets?: unknown; labels?: unknown };
  const addresses: unknown = targets ?? [];
  if (!Array.isArray(addresses) || !addresses.every(isText)) {
    throw new GroupFormatError(`group ${index}: targets must be a list of strings`);
  }
  if (typeof (labels ?? {}) !== "object" || Array.isArray(labels)) {
    throw new GroupFormatError(`group ${index}: labels must map names to strings`);
  }
  const ofGroup = new Map<string, string>();
  for (const [name, value] of Object.entries(labels ?? {})) {
    if (!isText(value)) throw new GroupFormatError(`group ${index}: label "${name}" must be a string`);
    ofGroup.set(name, value ?? "");
  }
  return { targets: addresses.map((address) => address ?? ""), labels: ofGroup };
}

function isText(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
