// The texts of an alert's labels and annotations: templates over the element that the rule's query gave.
import type { Labels } from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import {
  execute,
  type GoTyped,
  type ParsedTemplate,
  parseTemplate,
  TemplateError,
  type TemplateFunction,
} from "@narthex/template";
import {
  isTemplateFunction,
  labelMap,
  TEMPLATE_SIGNATURES,
  templateFunctions,
  templateValue,
} from "./template-functions.ts";

/** So that templates reach labels, external labels, external URL and value by short names. */
const PRELUDE =
  "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/** What a template's dot is. */
class TemplateData implements GoTyped {
  readonly Labels: ReadonlyMap<string, string>;
  readonly ExternalLabels: ReadonlyMap<string, string>;
  readonly ExternalURL: string;
  readonly Value: ReturnType<typeof templateValue>;

  constructor(element: VectorElement, externalLabels: ReadonlyMap<string, string>, externalUrl: string) {
    this.Labels = labelMap(element.labels);
    this.ExternalLabels = externalLabels;
    this.ExternalURL = externalUrl;
    this.Value = templateValue(element);
  }

  get goTypeName(): string {
    return "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value interface {} }";
  }
}

/** More different queries than any rule's templates need at one time. */
const MAX_QUERIES = 1000;
/** Longest text, in UTF-16 code units. */
const MAX_LENGTH = 256 * 1024;
/** What one expansion may do on the main thread: about 10 ms, see `ExecuteOptions.maxWork`. */
const MAX_WORK = 10_000;

/** Checks a text when its rule is loaded. Throws a `TemplateError`. */
export function checkAlertTemplate(alertName: string, text: string): void {
  parseTemplate(`__alert_${alertName}`, PRELUDE + text, isTemplateFunction);
}

/** What a server gives to all templates of alerts. */
export interface TemplateSurroundings {
  externalLabels(): Labels;
  /** Without a slash at the end. */
  readonly externalUrl: string;
  readonly pathPrefix: string;
}

/**
 * Asks the query that a template needs; a scalar counts as one element without labels. Where it answers at once, so do
 * expansions.
 */
export type TemplateQuery = (expr: string) => Promise<readonly VectorElement[]> | readonly VectorElement[];

/** A query that has not been asked yet: the expansion begins anew once it is answered. */
class Wanted extends TemplateError {
  readonly expr: string;
  readonly answer: Promise<readonly VectorElement[]>;

  constructor(expr: string, answer: Promise<readonly VectorElement[]>) {
    super(`not answered yet: ${expr}`);
    this.expr = expr;
    this.answer = answer;
  }
}

/**
 * All expansions of one evaluation of a rule: they share what their queries found.
 *
 * Templates know no waiting, and no query may hold the main thread. So an expansion that needs a query ends, the query is
 * asked as those of rules are, and the expansion begins again.
 */
export class AlertExpansion {
  readonly #surroundings: TemplateSurroundings;
  readonly #query: TemplateQuery;
  readonly #answers = new Map<string, readonly VectorElement[] | Error>();
  readonly #functions: ReadonlyMap<string, TemplateFunction>;

  /** `t` is the time of the evaluation, in milliseconds. */
  constructor(surroundings: TemplateSurroundings, t: number, query: TemplateQuery) {
    this.#surroundings = surroundings;
    this.#query = query;
    const { externalUrl, pathPrefix } = surroundings;
    this.#functions = templateFunctions({ query: (expr) => this.#answer(expr), nowMs: t, externalUrl, pathPrefix });
  }

  /** What templates see of an element. */
  dataOf(element: VectorElement): object {
    const { externalLabels, externalUrl } = this.#surroundings;
    return new TemplateData(element, labelMap(externalLabels()), externalUrl);
  }

  /** Throws a `TemplateError`, or gives a promise where queries are needed, which rejects with it. */
  expand(template: ParsedTemplate, data: object): string | Promise<string> {
    try {
      return this.#execute(template, data);
    } catch (error) {
      if (!(error instanceof Wanted)) throw error;
      return this.#expandLater(template, data, error);
    }
  }

  async #expandLater(template: ParsedTemplate, data: object, first: Wanted): Promise<string> {
    for (let wanted = first; ; ) {
      if (this.#answers.size >= MAX_QUERIES)
        throw new TemplateError(`template: ${template.name}: more than ${MAX_QUERIES} queries`);
      this.#answers.set(wanted.expr, await wanted.answer.catch((error: Error) => error));
      try {
        return this.#execute(template, data);
      } catch (error) {
        if (!(error instanceof Wanted)) throw error;
        wanted = error;
      }
    }
  }

  #execute(template: ParsedTemplate, data: object): string {
    return execute(template, data, {
      functions: this.#functions,
      signatures: TEMPLATE_SIGNATURES,
      maxLength: MAX_LENGTH,
      maxWork: MAX_WORK,
    });
  }

  #answer(expr: string): readonly VectorElement[] {
    let answer = this.#answers.get(expr);
    if (answer === undefined) {
      const asked = this.#query(expr);
      if (asked instanceof Promise) throw new Wanted(expr, asked);
      answer = asked;
    }
    if (answer instanceof Error) throw answer;
    return answer;
  }
}

/** One text of a rule, parsed once. */
export class AlertText {
  readonly #source: string;
  readonly #name: string;
  #template: ParsedTemplate | undefined;

  constructor(alertName: string, source: string) {
    this.#source = source;
    this.#name = `__alert_${alertName}`;
  }

  /** Whether it is the same for every alert. */
  get isPlain(): boolean {
    return !this.#source.includes("{{");
  }

  /**
   * The text for an element. What cannot be expanded becomes a text that says so: an alert must fire even with a broken
   * annotation. `onFailure` is told why.
   */
  expand(expansion: AlertExpansion, data: object, onFailure: (error: TemplateError) => void): string | Promise<string> {
    if (this.isPlain) return this.#source;
    const failed = (error: unknown): string => {
      if (!(error instanceof TemplateError)) throw error;
      onFailure(error);
      const step = this.#template === undefined ? "parsing" : "executing";
      return `<error expanding template: error ${step} template ${this.#name}: ${error.message}>`;
    };
    try {
      this.#template ??= parseTemplate(this.#name, PRELUDE + this.#source, isTemplateFunction);
      const expanded = expansion.expand(this.#template, data);
      return typeof expanded === "string" ? expanded : expanded.catch(failed);
    } catch (error) {
      return failed(error);
    }
  }
}
