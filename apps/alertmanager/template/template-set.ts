// All templates of a configuration: the built-in ones, and those of its files over them.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { execute, HtmlEscaper, type ParsedTemplate, parseTemplate, type TemplateFunction } from "@narthex/template";
import { KeyValues } from "./data.ts";
import { DEFAULT_TEMPLATES } from "./default-templates.ts";
import { isTemplateFunction, TEMPLATE_FUNCTIONS } from "./functions.ts";
import { RouteLabelResolver } from "./route-labels.ts";

/** Longest output of one execution, in UTF-16 code units. */
const MAX_OUTPUT = 4 * 1024 * 1024;
/** Texts of configurations that are kept parsed; there are a few for each receiver. */
const MAX_PARSED = 2000;

type Body = ParsedTemplate["body"];

/** Templates that cannot be used; the message names file and line. */
export class TemplateSetError extends Error {
  override readonly name = "TemplateSetError";
}

/** How one execution reads route labels: as templates of their own, unless they have been rendered before. */
export interface ExpandOptions {
  readonly routeLabelsAreTemplates?: boolean;
}

export class TemplateSet {
  readonly #definitions = new Map<string, Body>();
  readonly #parsed = new Map<string, ParsedTemplate>();

  /** `files` come in the order in which later definitions replace earlier ones. Throws a `TemplateSetError`. */
  constructor(files: readonly string[] = []) {
    this.#define(parseTemplate("default.tmpl", DEFAULT_TEMPLATES, isTemplateFunction));
    for (const file of files) this.#read(file);
  }

  /** Adds the definitions of a text, under a name for messages. Throws a `TemplateError`. */
  add(name: string, source: string): void {
    const parsed = parseTemplate(name, source, isTemplateFunction);
    this.#define(parsed);
    if (!isBlank(parsed.body)) this.#definitions.set(name, parsed.body);
  }

  /** Expands a text; "" stays "". Throws a `TemplateError`. */
  text(source: string, data: unknown, options: ExpandOptions = {}): string {
    return this.#expand(source, data, false, options);
  }

  /** The same for HTML: what actions print is escaped by its context. */
  html(source: string, data: unknown, options: ExpandOptions = {}): string {
    return this.#expand(source, data, true, options);
  }

  /** Renders templated route labels, which may refer to each other. Throws for a cycle, naming it. */
  routeLabelRenderer(labels: ReadonlyMap<string, string>, data: unknown): (name: string) => string {
    const resolver: RouteLabelResolver = new RouteLabelResolver(labels, (source) =>
      this.#run(source, data, false, (name) => resolver.resolve(String(name))),
    );
    return (name) => resolver.resolve(name);
  }

  #expand(source: string, data: unknown, isHtml: boolean, options: ExpandOptions): string {
    if (source === "") return "";
    const labels = (data as { readonly RouteLabels?: unknown } | undefined)?.RouteLabels;
    const known = labels instanceof KeyValues ? labels : new KeyValues();
    if (options.routeLabelsAreTemplates === true) {
      const render = this.routeLabelRenderer(known, data);
      return this.#run(source, data, isHtml, (name) => render(String(name)));
    }
    return this.#run(source, data, isHtml, (name) => known.get(String(name)) ?? "");
  }

  #run(source: string, data: unknown, isHtml: boolean, routeLabels: TemplateFunction): string {
    if (!source.includes("{{") && !isHtml) return source;
    return execute(this.#parse(source), data, {
      functions: new Map([...TEMPLATE_FUNCTIONS, ["routeLabels", routeLabels]]),
      definitions: this.#definitions,
      maxLength: MAX_OUTPUT,
      ...(isHtml ? { escaper: new HtmlEscaper() } : {}),
    });
  }

  #parse(source: string): ParsedTemplate {
    let parsed = this.#parsed.get(source);
    if (parsed === undefined) {
      if (this.#parsed.size >= MAX_PARSED) this.#parsed.clear();
      parsed = parseTemplate("", source, isTemplateFunction);
      this.#parsed.set(source, parsed);
    }
    return parsed;
  }

  #read(file: string): void {
    try {
      this.add(basename(file), readFileSync(file, "utf8"));
    } catch (error) {
      throw new TemplateSetError(`failed to parse templates: ${(error as Error).message}`, { cause: error });
    }
  }

  /** A definition that is blank does not replace one that is not, as in Go. */
  #define(parsed: ParsedTemplate): void {
    for (const [name, body] of parsed.definitions)
      if (!this.#definitions.has(name) || !isBlank(body)) this.#definitions.set(name, body);
  }
}

function isBlank(body: Body): boolean {
  return body.every((node) => node.kind === "text" && node.text.trim() === "");
}
