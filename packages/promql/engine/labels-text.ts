// Label sets as the reference prints them in messages.
import type { Labels } from "@narthex/model";

/** `{a="b", "dotted.name"="c"}`; the metric name stands among the labels. */
export function labelsText(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels) {
    const shown = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
    parts.push(`${shown}=${JSON.stringify(value)}`);
  }
  return `{${parts.join(", ")}}`;
}
