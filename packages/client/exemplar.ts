// Exemplars: a measurement's link to the trace it was made in.
import type { SampleExemplar } from "./format/family-writer.ts";
import { isValidLabelName } from "./format/names.ts";

/** Labels of an exemplar, `{ trace_id: "..." }`. */
export type ExemplarLabels = Readonly<Record<string, string>>;

/** Asked at each measurement for the labels of the current trace; undefined for none. Must be quick. */
export type ExemplarProvider = () => ExemplarLabels | undefined;

/** All names and values together. Source: OpenMetrics 1.0, "Exemplars". */
export const EXEMPLAR_MAX_CHARS = 128;

/** Checks and copies the labels. Throws a RangeError when they are too long, an Error for a bad name. `nowMs` since the epoch. */
export function makeExemplar(labels: ExemplarLabels, value: number, nowMs: number): SampleExemplar {
  const copy: Record<string, string> = {};
  let chars = 0;
  for (const name of Object.keys(labels)) {
    const text = String(labels[name]);
    if (!isValidLabelName(name)) throw new Error(`At least one label name is invalid: ${name}`);
    chars += countChars(name) + countChars(text);
    copy[name] = text;
  }
  if (chars > EXEMPLAR_MAX_CHARS) throw new RangeError("Label set size must be smaller than 128 UTF-8 chars");
  return { labels: copy, value, timestamp: nowMs / 1000 };
}

function countChars(text: string): number {
  // Characters, not the halves of which UTF-16 makes some of them.
  let count = 0;
  for (const _ of text) count++;
  return count;
}
