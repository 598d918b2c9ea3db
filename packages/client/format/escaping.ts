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
  /** The last suffix, and what stood before its labels. */
  #suffix: string | undefined;
  #opened = "";

  constructor(name: string) {
    this.#name = name;
    this.#quoted = !CLASSIC.test(name);
  }

  /** The name as it stands in comments. */
  get inComments(): string {
    return this.#quoted ? quoteName(this.#name) : this.#name;
  }

  /** Writes a sample: name, labels, and what follows the space after them. */
  write(out: TextBuffer, suffix: string, labels: string, rest: string): void {
    if (labels === "") {
      out.text(this.#quoted ? `{${quoteName(this.#name + suffix)}} ${rest}` : `${this.#name}${suffix} ${rest}`);
      return;
    }
    out.text(this.#open(suffix));
    out.text(labels);
    out.text(`} ${rest}`);
  }

  /** What stands before one more label, which must follow. */
  before(suffix: string, labels: string): string {
    return labels === "" ? this.#open(suffix) : `${this.#open(suffix)}${labels},`;
  }

  #open(suffix: string): string {
    if (suffix === this.#suffix) return this.#opened;
    this.#suffix = suffix;
    this.#opened = this.#quoted ? `{${quoteName(this.#name + suffix)},` : `${this.#name}${suffix}{`;
    return this.#opened;
  }
}
