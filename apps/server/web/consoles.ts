// Pages that an operator wrote as templates, below `/consoles/`: HTML with queries in it.
// Source: HTTP API specification, "Consoles", and the reference's documentation of console templates.
import { readdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import type { VectorElement } from "@narthex/promql";
import {
  type Body,
  execute,
  HtmlEscaper,
  type ParsedTemplate,
  parseTemplate,
  SafeText,
  TemplateError,
  type TemplateFunction,
} from "@narthex/template";
import { isTemplateFunction, templateFunctions } from "../rules/template-functions.ts";
import type { Call } from "./call.ts";
import { fileBelow } from "./user-assets.ts";
import type { WebServer } from "./web-server.ts";

export interface ConsoleOptions {
  /** Folder of the pages. */
  readonly templates: string;
  /** Folder whose `*.lib` define what pages share. */
  readonly libraries: string;
  /** Without a slash at the end. */
  readonly externalUrl: string;
  readonly externalPath: string;
  externalLabels(): ReadonlyMap<string, string>;
  /** Answers an instant query as any other is answered: beside the main thread when it is large. */
  query(expr: string, timeMs: number, call: Call): Promise<readonly VectorElement[]>;
  now(): number;
}

/** More different queries than any page needs; each takes the page another round. */
const MAX_QUERIES = 1000;

const PRELUDE =
  "{{$rawParams := .RawParams }}{{$params := .Params}}{{$path := .Path}}{{$externalLabels := .ExternalLabels}}";

export function addConsoles(web: Pick<WebServer, "route">, options: ConsoleOptions): void {
  web.route("/consoles/*", ["GET"], (call) => answer(call, options));
}

/** Where the page's link to the operator's own pages leads; "" without any. */
export function consolesLink(templates: string, userAssets: string): string {
  if (fileBelow(templates, "index.html") !== undefined) return "/consoles/index.html";
  return userAssets !== "" && fileBelow(userAssets, "index.html") !== undefined ? "/user/index.html" : "";
}

async function answer(call: Call, options: ConsoleOptions): Promise<void> {
  const path = call.pathParams["*"] ?? "";
  const file = fileBelow(options.templates, path);
  if (file === undefined) {
    call.refuse(404, `open ${join(options.templates, path)}: no such file or directory`);
    return;
  }
  try {
    const source = await readFile(file.path, "utf8");
    const page = new Page(`__console_/${path}`, source, await definitionsIn(options.libraries));
    call.send(200, "text/html; charset=utf-8", await page.expand(call, path, options));
  } catch (error) {
    if (!(error instanceof ConsoleError)) throw error;
    call.refuse(500, error.message);
  }
}

class ConsoleError extends Error {}

/** What the libraries define, by name. */
async function definitionsIn(folder: string): Promise<Map<string, Body>> {
  const definitions = new Map<string, Body>();
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.endsWith(".lib")).sort()) {
    const parsed = parse(basename(name), await readFile(join(folder, name), "utf8"));
    for (const [defined, body] of parsed.definitions) definitions.set(defined, body);
  }
  return definitions;
}

function parse(name: string, source: string): ParsedTemplate {
  try {
    return parseTemplate(name, source, (called) => called === "tmpl" || isTemplateFunction(called));
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ConsoleError(`error parsing template ${name}: ${error.message}`);
  }
}

/** A query whose result a page cannot do without. */
class Wanted extends TemplateError {
  readonly expr: string;

  constructor(expr: string) {
    super(`not answered yet: ${expr}`);
    this.expr = expr;
  }
}

type Result = readonly VectorElement[] | Error;

class Page {
  readonly #template: ParsedTemplate;
  readonly #definitions: ReadonlyMap<string, Body>;

  constructor(name: string, source: string, libraries: ReadonlyMap<string, Body>) {
    this.#template = parse(name, PRELUDE + source);
    this.#definitions = new Map([...libraries, ...this.#template.definitions]);
  }

  /**
   * Templates know no waiting: each time the page asks for a query that has not been answered yet, it is answered and the page
   * begun again. So no query holds the main thread, and pages written for the reference read the same.
   */
  async expand(call: Call, path: string, options: ConsoleOptions): Promise<string> {
    const nowMs = options.now();
    const results = new Map<string, Result>();
    const data = { ...paramsOf(call), Path: path, ExternalLabels: options.externalLabels() };
    const query = (expr: string): readonly VectorElement[] => {
      const result = results.get(expr);
      if (result === undefined) throw new Wanted(expr);
      if (result instanceof Error) throw result;
      return result;
    };
    const functions = new Map(
      templateFunctions({ query, nowMs, externalUrl: options.externalUrl, pathPrefix: options.externalPath }),
    );
    functions.set("tmpl", (name, inner) => this.#named(String(name), inner, functions));
    for (;;) {
      try {
        return this.#execute(this.#template, data, functions);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
        if (!(error instanceof Wanted))
          throw new ConsoleError(`error executing template ${this.#template.name}: ${error.message}`);
        if (results.size >= MAX_QUERIES)
          throw new ConsoleError(`error executing template ${this.#template.name}: more than ${MAX_QUERIES} queries`);
        results.set(error.expr, await options.query(error.expr, nowMs, call).catch((failure: Error) => failure));
        if (call.signal.aborted) return "";
      }
    }
  }

  #execute(template: ParsedTemplate, data: unknown, functions: ReadonlyMap<string, TemplateFunction>): string {
    return execute(template, data, { functions, definitions: this.#definitions, escaper: new HtmlEscaper() });
  }

  /** A template by a name that the page works out. */
  #named(name: string, data: unknown, functions: ReadonlyMap<string, TemplateFunction>): SafeText {
    const body = this.#definitions.get(name);
    if (body === undefined) throw new Error(`template "${name}" not defined`);
    return new SafeText(this.#execute({ ...this.#template, body }, data, functions));
  }
}

/** Every name has a list: of nothing where the address does not have it, so that templates can go through it. */
class Lists extends Map<string, string[]> {
  override has(): boolean {
    return true;
  }

  override get(name: string): string[] {
    return super.get(name) ?? [];
  }
}

/** Only of the address: a page is asked for, never posted to. */
function paramsOf(call: Call): {
  readonly RawParams: ReadonlyMap<string, readonly string[]>;
  readonly Params: ReadonlyMap<string, string>;
} {
  const all = new Lists();
  for (const [name, value] of new URL(call.request.url ?? "", "http://console").searchParams)
    all.set(name, [...all.get(name), value]);
  return { RawParams: all, Params: new Map([...all].map(([name, values]) => [name, values[0] as string])) };
}
