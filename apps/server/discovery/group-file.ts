// The file format of target groups, JSON or YAML: what file discovery reads, and HTTP discovery as JSON.
import {
  type Codec,
  decodeNode,
  field,
  isNull,
  parseYaml,
  reportMismatch,
  struct,
  YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import type { TargetGroup } from "./target-group.ts";

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
  if (format === "yaml") {
    return groupsOf(text).map(({ targets, labels }, index) =>
      groupOf(targets, labels, `${path}:${index}`, extraLabels),
    );
  }
  const list = parseJson(text);
  if (list === null || list === undefined) return [];
  if (!Array.isArray(list)) throw new GroupFormatError("expected a list of target groups");
  return list.map((item: unknown, index) => readGroup(item, index, path, extraLabels));
}

interface WrittenGroup {
  readonly targets: readonly string[];
  readonly labels: ReadonlyMap<string, string>;
}

/** As the reference names what it reads a group into. */
const GROUP_TYPE = 'struct { Targets []string "yaml:\\"targets\\""; Labels model.LabelSet "yaml:\\"labels\\"" }';
const LABEL_VALUE: Codec<string> = {
  ...yamlCodec.text,
  decode(node, reader) {
    if (node.kind === "scalar") return node.text;
    reportMismatch(node, "model.LabelValue", reader);
    return "";
  },
};
const LABELS = yamlCodec.map(LABEL_VALUE, { type: "model.LabelSet" });
const GROUP = struct<WrittenGroup>(GROUP_TYPE, [
  field<WrittenGroup>("targets", "targets", yamlCodec.list(yamlCodec.text)),
  field<WrittenGroup>("labels", "labels", LABELS),
]);
const GROUPS = yamlCodec.list(GROUP, { type: "[]*targetgroup.Group", nullItem: "nil target group item found" });

/** The groups of the first document. Texts need no quotes: `port: 80` is one too. */
function groupsOf(text: string): readonly WrittenGroup[] {
  const { root } = syntax(() => parseYaml(text));
  if (root === undefined) return [];
  const reader = new YamlReader();
  const groups = decodeNode(GROUPS, root, reader);
  const lines = reader.problems.filter(({ kind }) => kind === "shape");
  if (lines.length > 0) {
    const told = lines.map(({ at, message }) => `  line ${at.line}: ${message}`);
    throw new GroupFormatError(`yaml: unmarshal errors:\n${told.join("\n")}`);
  }
  if (reader.problemCount > 0 && root.kind === "sequence") {
    const missing = root.items.findIndex(isNull);
    throw new GroupFormatError(`nil target group item found (index ${missing})`);
  }
  return groups;
}

function parseJson(text: string): unknown {
  return syntax(() => JSON.parse(text) as unknown);
}

/** What is wrong with the text is told as a `GroupFormatError`. */
function syntax<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new GroupFormatError((error as Error).message, { cause: error });
  }
}

function groupOf(
  targets: readonly string[],
  labels: ReadonlyMap<string, string>,
  source: string,
  extraLabels: readonly (readonly [string, string])[],
): TargetGroup {
  return {
    source,
    labels: new Map([...labels, ...extraLabels]),
    targets: targets.map((address) => new Map([["__address__", address]])),
  };
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
    if (typeof value !== "string") throw new GroupFormatError(`group ${index}: label "${name}" must be a string`);
    ofGroup.set(name, value);
  }
  return groupOf(addresses as string[], ofGroup, `${path}:${index}`, extraLabels);
}
