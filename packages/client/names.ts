// What metrics and labels may be called, and how text stands in the exposition formats.

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether the classic rules allow this metric name. */
export function isValidMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

/** Whether the classic rules allow this label name, and it is not one of those kept for Prometheus itself (`__...`). */
export function isValidLabelName(name: string): boolean {
  return LABEL_NAME.test(name) && !name.startsWith("__");
}

/** A label value between its quotes. */
export function escapeLabelValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`)) : text;
}

/** A help text; OpenMetrics escapes quotes too. */
export function escapeHelp(text: string, openMetrics: boolean): string {
  return text.replace(openMetrics ? /[\\"\n]/g : /[\\\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
}

/** Renders `a="b",c="d"` without braces; names and values side by side, in the order of the names. */
export function renderLabels(names: readonly string[], values: readonly string[]): string {
  let text = "";
  for (let i = 0; i < names.length; i++) {
    if (i > 0) text += ",";
    text += `${names[i]}="${escapeLabelValue(values[i] as string)}"`;
  }
  return text;
}
