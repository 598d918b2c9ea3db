// Exemplars: copied, and bounded by characters, not by the halves of which UTF-16 makes some of them.
import { EXEMPLAR_MAX_CHARS } from "../exemplar.ts";
import type { AnyLabels, Exemplar } from "./types.ts";

/** Throws a RangeError when names and values together are too long. */
export function makeExemplar(labels: AnyLabels, value: number): Exemplar {
  const text = Object.entries(labels)
    .map(([name, label]) => name + String(label))
    .join("");
  if ([...text].length > EXEMPLAR_MAX_CHARS) {
    throw new RangeError("Label set size must be smaller than 128 UTF-8 chars");
  }
  return { labelSet: { ...labels }, value, timestamp: Date.now() / 1000 };
}
