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

/** Whether a name outside the classic rules can be exposed at all: some text that has a form in UTF-8. */
export function isValidUtf8Name(name: string): boolean {
  return name !== "" && name.isWellFormed();
}

/** A label value between its quotes. */
export function escapeLabelValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`)) : text;
}

/** A help text; OpenMetrics escapes quotes too. */
export function escapeHelp(text: string, openMetrics: boolean): string {
  return text.replace(openMetrics ? /[\\"\n]/g : /[\\\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
}

/**
 * Renders `a="b",c="d"` without braces; names and values side by side, in the order of the names. Names outside the classic
 * rules are quoted.
 */
export function renderLabels(names: readonly string[], values: readonly string[]): string {
  let text = "";
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string;
    if (i > 0) text += ",";
    text += `${LABEL_NAME.test(name) ? name : quoteName(name)}="${escapeLabelValue(values[i] as string)}"`;
  }
  return text;
}

/** A name between quotes, as the formats take those that the classic rules do not allow. */
export function quoteName(name: string): string {
  return `"${escapeLabelValue(name)}"`;
}

/** Names and values of labels that `renderLabels` rendered, one after the other. */
export function parseLabels(text: string): string[] {
  const found: string[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === ",") at++;
    if (text[at] === '"') {
      const end = closingQuote(text, at + 1);
      found.push(unescaped(text.slice(at + 1, end)));
      at = end + 2;
    } else {
      const equals = text.indexOf("=", at);
      found.push(text.slice(at, equals));
      at = equals + 1;
    }
    const end = closingQuote(text, at + 1);
    found.push(unescaped(text.slice(at + 1, end)));
    at = end + 1;
  }
  return found;
}

function closingQuote(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === "\\") i++;
    else if (c === '"') return i;
  }
  return text.length;
}

function unescaped(text: string): string {
  return text.includes("\\") ? text.replace(/\\(.)/g, (_, c: string) => (c === "n" ? "\n" : c)) : text;
}
