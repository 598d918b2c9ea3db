// What becomes of names outside the classic rules when a scraper cannot take them.
// Source: Prometheus "UTF-8 in metric names", escaping schemes of content negotiation.
import { parseLabels, quoteName, renderLabels } from "./names.ts";
import type { TextBuffer } from "./text-buffer.ts";

/** How names are changed: not at all, or to what the classic rules allow, in one of three ways. */
export type EscapingScheme = "allow-utf-8" | "underscores" | "dots" | "values";

/** All schemes, as they stand in headers. */
export const ESCAPING_SCHEMES: ReadonlySet<string> = new Set<EscapingScheme>([
  "allow-utf-8",
  "underscores",
  "dots",
  "values",
]);

const CLASSIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

function isClassic(char: string, first: boolean): boolean {
  return first ? /[a-zA-Z_:]/.test(char) : /[a-zA-Z0-9_:]/.test(char);
}

/** A metric or label name under a scheme. What the classic rules allow is left alone by every scheme, as client_golang does. */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (name === "" || scheme === "allow-utf-8" || CLASSIC.test(name)) return name;
  let escaped = scheme === "values" ? "U__" : "";
  let first = true;
  for (const char of name) {
    const classic = isClassic(char, first);
    first = false;
    if (scheme === "underscores") escaped += classic ? char : "_";
    else if (char === "_") escaped += "__";
    else if (scheme === "dots" && char === ".") escaped += "_dot_";
    else if (classic) escaped += char;
    else escaped += scheme === "dots" ? "__" : `_${(char.codePointAt(0) as number).toString(16)}_`;
  }
  return escaped;
}

/** Rendered labels with their names under a scheme. */
export function escapeLabels(labels: string, scheme: EscapingScheme): string {
  if (labels === "" || scheme === "allow-utf-8") return labels;
  const pairs = parseLabels(labels);
  const names: string[] = [];
  const values: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) {
    names.push(escapeName(pairs[i] as string, scheme));
    values.push(pairs[i + 1] as string);
  }
  return renderLabels(names, values);
}

/** How samples of a family begin: `name{...}`, or `{"na.me",...}` for names that must be quoted. */
export class SampleNames {
  readonly #quoted: boolean;
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
    this.#quoted = !CLASSIC.test(name);
  }

  /** The name as it stands in comments. */
  get inComments(): string {
    return this.#quoted ? quoteName(this.#name) : this.#name;
  }

  /** Writes name, labels and a space. */
  write(out: TextBuffer, suffix: string, labels: string): void {
    if (labels === "") {
      if (this.#quoted) out.text(`{${quoteName(this.#name + suffix)}} `);
      else {
        out.text(this.#name);
        out.text(suffix);
        out.text(" ");
      }
      return;
    }
    this.#open(out, suffix);
    out.text(labels);
    out.text("} ");
  }

  /** Writes name and labels, up to where one more label may follow, and must. */
  writeOpen(out: TextBuffer, suffix: string, labels: string): void {
    this.#open(out, suffix);
    if (labels === "") return;
    out.text(labels);
    out.text(",");
  }

  #open(out: TextBuffer, suffix: string): void {
    if (this.#quoted) {
      out.text(`{${quoteName(this.#name + suffix)},`);
      return;
    }
    out.text(this.#name);
    out.text(suffix);
    out.text("{");
  }
}
