// What differs between expected and received alerts, in colours: red is missing, green is too much, yellow is another value.
import type { Labels } from "@narthex/model";
import type { AlertText } from "./alert-text.ts";

const RED = "\x1b[0;31m";
const GREEN = "\x1b[0;32m";
const YELLOW = "\x1b[0;33m";
const END = "\x1b[0m";
const INDENT = "    ";

/** As the reference prints it: a JSON list, of which what differs is coloured. */
export function alertDifference(wanted: readonly AlertText[], got: readonly AlertText[]): string {
  const some = (alerts: readonly AlertText[]): readonly (AlertText | undefined)[] =>
    alerts.length === 0 ? [{ labels: NOTHING, annotations: NOTHING }] : alerts;
  const [left, right] = [some(wanted), some(got)];
  const items = Array.from({ length: Math.max(left.length, right.length) }, (_, i) => item(left[i], right[i]));
  return `[\n${items.join(",\n")}\n]`;
}

const NOTHING = { toObject: () => ({}) } as unknown as Labels;

function item(wanted: AlertText | undefined, got: AlertText | undefined): string {
  if (wanted !== undefined && got !== undefined) {
    const annotations = pairs(wanted.annotations.toObject(), got.annotations.toObject());
    const labels = pairs(wanted.labels.toObject(), got.labels.toObject());
    return `${INDENT}{\n${INDENT}${INDENT}"Annotations": ${annotations},\n${INDENT}${INDENT}"Labels": ${labels}\n${INDENT}}`;
  }
  const only = (wanted ?? got) as AlertText;
  const whole = JSON.stringify(
    { Annotations: only.annotations.toObject(), Labels: only.labels.toObject() },
    undefined,
    INDENT,
  );
  return `${INDENT}${wanted === undefined ? GREEN : RED}${whole.replaceAll("\n", `\n${INDENT}`)}${END}`;
}

function pairs(wanted: Record<string, string>, got: Record<string, string>): string {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(got)])].sort();
  if (names.length === 0) return "{}";
  const lines = names.map((name) => {
    const [before, after] = [wanted[name], got[name]];
    const key = `${JSON.stringify(name)}: `;
    if (before === after) return `${key}${JSON.stringify(before)}`;
    if (after === undefined) return `${RED}${key}${JSON.stringify(before)}${END}`;
    if (before === undefined) return `${GREEN}${key}${JSON.stringify(after)}${END}`;
    return `${key}${YELLOW}${JSON.stringify(before)} => ${JSON.stringify(after)}${END}`;
  });
  const deep = INDENT.repeat(3);
  return `{\n${lines.map((line) => deep + line).join(",\n")}\n${INDENT}${INDENT}}`;
}
