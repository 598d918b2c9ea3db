// Looking samples up in an exposition, for tests.
import { parseLabels } from "./format/names.ts";

/** The value of the sample with this name and exactly these labels in a text exposition; undefined when there is none. */
export function findSample(text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined {
  const wanted = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const line of text.split("\n")) {
    if (!line.startsWith(name)) continue;
    const after = line[name.length];
    if (after === " " && wanted === "[]") return parseValue(line.slice(name.length + 1));
    if (after !== "{") continue;
    const end = line.lastIndexOf("} ");
    const pairs = parseLabels(line.slice(name.length + 1, end));
    const found = pairs.flatMap((_, i) => (i % 2 === 0 ? [[pairs[i], pairs[i + 1]] as [string, string]] : []));
    if (JSON.stringify(found.sort(([a], [b]) => (a < b ? -1 : 1))) === wanted) return parseValue(line.slice(end + 2));
  }
  return undefined;
}

function parseValue(text: string): number {
  const value = text.split(" ")[0] as string;
  return value.endsWith("Inf") ? (value.startsWith("-") ? -Infinity : Infinity) : Number(value);
}
