// Trees out of a configuration whose texts are templates: payloads, details, custom fields.
import { decodeNode, parseYaml, YamlReader, yamlCodec } from "@narthex/toolkit";
import type { Expand } from "./common.ts";

/**
 * Expands every text in a tree. What comes out of a template is read as YAML: a list, a map, a number or a truth value becomes one,
 * and everything else stays the text that it is. Maps lose keys that are no texts. Source: `DeepCopyWithTemplate` of the reference.
 */
export function expandTree(value: unknown, expand: Expand): unknown {
  if (typeof value === "string") return meaningOf(expand(value));
  if (Array.isArray(value)) return value.map((item) => expandTree(item, expand));
  if (value instanceof Map)
    return new Map([...value].map(([key, item]) => [expand(String(key)), expandTree(item, expand)]));
  return value;
}

function meaningOf(text: string): unknown {
  try {
    const { root } = parseYaml(text);
    if (root === undefined) return null;
    const reader = new YamlReader();
    const value = decodeNode(yamlCodec.anything, root, reader);
    if (reader.problemCount > 0 || typeof value === "string") return text;
    return value ?? null;
  } catch {
    return text;
  }
}
