// Running a template over data.

import { AnyMap } from "./any-map.ts";
import type { Arg, Body, Command, ParsedTemplate, Pipe } from "./ast.ts";
import { formatValue, goType } from "./go-format.ts";
import { countFault, type Signature, typeFault } from "./signature.ts";
import { columnOf, lineOf, TemplateError } from "./template-error.ts";

/** A function that templates call. What it throws ends the execution with its message. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

export interface Escaper {
  /** The template's own text, as it is to be written. */
  text(text: string): string;
  /** What an action gives; `printed` is its text. */
  value(value: unknown, printed: string): string;
}

export interface ExecuteOptions {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** What functions take; arguments of others are not checked. */
  readonly signatures?: ReadonlyMap<string, Signature>;
  /** Templates that `{{ template }}` finds besides the ones defined in the text itself. */
  readonly definitions?: ReadonlyMap<string, Body>;
  /** Sees all that is written, in order, and makes values safe where they stand. For HTML. */
  readonly escaper?: Escaper;
  /** Longest output in UTF-16 code units; beyond, the execution fails. */
  readonly maxLength?: number;
  /** How much the execution may do, in units of a microsecond at most; beyond, it fails. Default: five million, some seconds. */
  readonly maxWork?: number;
}

const DEFAULT_MAX_LENGTH = 16 * 1024 * 1024;
/** How deep templates may call one another. */
const MAX_CALLS = 1000;
/** So that a template cannot hang the process. */
const DEFAULT_MAX_WORK = 5_000_000;
/** Units of work: an action or a step of a loop is one, and so are that many characters that a function takes or gives. */
const CHARACTERS_PER_UNIT = 32;

type ControlNode = Extract<Body[number], { pipe: Pipe; otherwise: Body | undefined }>;

class Break extends Error {}
class Continue extends Error {}
const BREAK = new Break();
const CONTINUE = new Continue();

/** Expands the template with `data` as its dot. Throws a `TemplateError` that names template, line and expression. */
export function execute(template: ParsedTemplate, data: unknown, options: ExecuteOptions): string {
  return new Execution(template, data, options).run();
}

/** Go's truth: false, 0, nil, and empty text, lists and maps are false. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === "" || value === 0 || value === 0n)
    return false;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  return true;
}

class Execution {
  readonly #template: ParsedTemplate;
  readonly #options: ExecuteOptions;
  readonly #maxLength: number;
  #variables: { name: string; value: unknown }[];
  readonly #data: unknown;
  #out = "";
  #calls = 0;
  #work = 0;
  readonly #maxWork: number;

  constructor(template: ParsedTemplate, data: unknown, options: ExecuteOptions) {
    this.#template = template;
    this.#options = options;
    this.#maxLength = options.maxLength ?? DEFAULT_MAX_LENGTH;
    this.#maxWork = options.maxWork ?? DEFAULT_MAX_WORK;
    this.#data = data;
    this.#variables = [{ name: "$", value: data }];
  }

  run(): string {
    this.#body(this.#template.body, this.#data);
    return this.#out;
  }

  #body(body: Body, dot: unknown): void {
    for (const node of body) {
      this.#charge(1);
      switch (node.kind) {
        case "text":
          this.#write(this.#options.escaper?.text(node.text) ?? node.text);
          break;
        case "action": {
          const value = this.#pipe(node.pipe, dot);
          if (node.pipe.variables.length === 0) this.#write(this.#printed(value));
          break;
        }
        case "if":
        case "with": {
          const mark = this.#variables.length;
          const value = this.#pipe(node.pipe, dot);
          if (isTrue(value)) this.#body(node.body, node.kind === "with" ? value : dot);
          else if (node.otherwise !== undefined) this.#body(node.otherwise, dot);
          this.#variables.length = mark;
          break;
        }
        case "range":
          this.#range(node, dot);
          break;
        case "template":
          this.#call(node, dot);
          break;
        case "break":
          throw BREAK;
        case "continue":
          throw CONTINUE;
      }
    }
  }

  #range(node: ControlNode, dot: unknown): void {
    const mark = this.#variables.length;
    const { pipe } = node;
    const value = this.#pipe({ ...pipe, variables: [] }, dot);
    const entries = this.#entries(value, node.pos, pipe);
    let count = 0;
    for (const [key, element] of entries) {
      count++;
      this.#charge(1);
      const scope = this.#variables.length;
      if (pipe.variables.length === 1) this.#bind(pipe.variables[0] as string, element, pipe.assigns);
      else if (pipe.variables.length === 2) {
        this.#bind(pipe.variables[0] as string, key, pipe.assigns);
        this.#bind(pipe.variables[1] as string, element, pipe.assigns);
      }
      try {
        this.#body(node.body, element);
      } catch (error) {
        if (error === BREAK) {
          this.#variables.length = scope;
          break;
        }
        if (error !== CONTINUE) throw error;
      }
      this.#variables.length = scope;
    }
    this.#variables.length = mark;
    if (count === 0 && node.otherwise !== undefined) this.#body(node.otherwise, dot);
  }

  #entries(value: unknown, pos: number, pipe: Pipe): Iterable<readonly [unknown, unknown]> {
    if (value === undefined || value === null) return [];
    if (Array.isArray(value)) return value.map((element, i) => [BigInt(i), element] as const);
    if (value instanceof Map) return [...value.entries()].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    if (typeof value === "bigint") return upTo(value);
    return this.#fail(pos, sourceOf(pipe, this.#template.source), `range can't iterate over ${formatValue(value)}`);
  }

  #call(node: Extract<Body[number], { kind: "template" }>, dot: unknown): void {
    const body = this.#template.definitions.get(node.name) ?? this.#options.definitions?.get(node.name);
    if (body === undefined) this.#fail(node.namePos, node.source, `template "${node.name}" not defined`);
    if (++this.#calls > MAX_CALLS)
      this.#fail(node.pos, "template", `exceeded maximum template depth (${MAX_CALLS})`, true);
    const data = node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot);
    const outer = this.#variables;
    this.#variables = [{ name: "$", value: data }];
    this.#body(body, data);
    this.#variables = outer;
    this.#calls--;
  }

  #pipe(pipe: Pipe, dot: unknown): unknown {
    let value: unknown;
    let hasValue = false;
    for (const command of pipe.commands) {
      value = this.#command(command, dot, hasValue, value);
      hasValue = true;
    }
    for (const variable of pipe.variables) this.#bind(variable, value, pipe.assigns);
    return value;
  }

  #bind(name: string, value: unknown, assigns: boolean): void {
    if (assigns) {
      for (let i = this.#variables.length - 1; i >= 0; i--) {
        const variable = this.#variables[i] as { name: string; value: unknown };
        if (variable.name !== name) continue;
        variable.value = value;
        return;
      }
    }
    this.#variables.push({ name, value });
  }

  #command({ args }: Command, dot: unknown, hasFinal: boolean, final: unknown): unknown {
    const [first, ...rest] = args as [Arg, ...Arg[]];
    const values = (): unknown[] => {
      const list = rest.map((arg) => this.#arg(arg, dot));
      if (hasFinal) list.push(final);
      return list;
    };
    switch (first.kind) {
      case "function":
        return this.#function(first, rest, dot, hasFinal, final, this.#sourceOf(args));
      case "field":
        return this.#fields(dot, first.names, first, values());
      case "variable":
        return this.#fields(this.#variable(first.name), first.names, first, values());
      case "pipe":
        return this.#fields(this.#pipe(first.pipe, dot), first.names, first, values());
      default:
        if (rest.length > 0 || hasFinal)
          return this.#fail(first.pos, first.source, `can't give argument to non-function ${first.source}`);
        if (first.kind === "nil") return this.#fail(first.pos, "nil", "nil is not a command");
        return this.#arg(first, dot);
    }
  }

  #function(
    arg: Extract<Arg, { kind: "function" }>,
    rest: readonly Arg[],
    dot: unknown,
    hasFinal: boolean,
    final: unknown,
    source: string,
  ): unknown {
    // `and` and `or` stop at the argument that decides.
    if (arg.name === "and" || arg.name === "or") {
      let value: unknown;
      for (const operand of rest) {
        value = this.#arg(operand, dot);
        if (isTrue(value) === (arg.name === "or")) return value;
      }
      return hasFinal ? final : value;
    }
    const run = this.#options.functions.get(arg.name);
    if (run === undefined) return this.#fail(arg.pos, arg.name, `"${arg.name}" is not a defined function`);
    const values = rest.map((operand) => this.#arg(operand, dot));
    if (hasFinal) values.push(final);
    const signature = this.#options.signatures?.get(arg.name);
    if (signature !== undefined) {
      this.#check(signature, arg, rest, values);
      this.#charge(signature.cost?.(values) ?? 0);
    }
    for (const value of values) this.#chargeText(value);
    try {
      const result = run(...values);
      this.#chargeText(result);
      return result;
    } catch (error) {
      if (error instanceof TemplateError) throw error;
      return this.#fail(arg.pos, source, `error calling ${arg.name}: ${(error as Error).message}`);
    }
  }

  #check(
    signature: Signature,
    called: Extract<Arg, { kind: "function" }>,
    rest: readonly Arg[],
    values: readonly unknown[],
  ): void {
    const wrongCount = countFault(signature, called.name, values.length);
    if (wrongCount !== undefined) this.#fail(called.pos, called.name, wrongCount);
    for (const [i, value] of values.entries()) {
      const wrongType = typeFault(signature, i, value, rest[i]);
      const { pos, source } = rest[i] ?? called;
      if (wrongType !== undefined) this.#fail(pos, source, wrongType);
    }
  }

  #arg(arg: Arg, dot: unknown): unknown {
    switch (arg.kind) {
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "literal":
        return arg.value;
      case "field":
        return this.#fields(dot, arg.names, arg, []);
      case "variable":
        return this.#fields(this.#variable(arg.name), arg.names, arg, []);
      case "pipe":
        return this.#fields(this.#pipe(arg.pipe, dot), arg.names, arg, []);
      case "function":
        return this.#function(arg, [], dot, false, undefined, arg.source);
    }
  }

  /** A command as it was written, as far as messages show it. */
  #sourceOf(args: readonly Arg[]): string {
    return args.map(({ source }) => source.trim()).join(" ");
  }

  #variable(name: string): unknown {
    for (let i = this.#variables.length - 1; i >= 0; i--) {
      const variable = this.#variables[i] as { name: string; value: unknown };
      if (variable.name === name) return variable.value;
    }
    return undefined;
  }

  /** Follows a chain of fields; `args` go to the last one, when it is a method. */
  #fields(start: unknown, names: readonly string[], arg: Arg, args: readonly unknown[]): unknown {
    let value = start;
    names.forEach((name, i) => {
      value = this.#field(value, name, arg, i === names.length - 1 ? args : []);
    });
    if (names.length === 0 && args.length > 0)
      return this.#fail(arg.pos, arg.source, `can't give argument to non-function ${arg.source}`);
    return value;
  }

  #field(value: unknown, name: string, arg: Arg, args: readonly unknown[]): unknown {
    if (value === undefined || value === null)
      return this.#fail(arg.pos, arg.source, `nil data; no entry for key "${name}"`);
    if (value instanceof Map && !isMethod(value, name)) {
      if (args.length > 0) return this.#fail(arg.pos, arg.source, `${name} is not a method but has arguments`);
      // A missing key of a map of texts reads as "", as the reference sets `missingkey=zero`.
      if (value.has(name)) return value.get(name);
      return value instanceof AnyMap ? undefined : "";
    }
    if (typeof value === "object" && EXPORTED.test(name) && name in value && !(name in Object.prototype)) {
      const member = (value as Record<string, unknown>)[name];
      if (typeof member !== "function") {
        if (args.length > 0)
          return this.#fail(arg.pos, arg.source, `${name} has arguments but cannot be invoked as function`);
        return member;
      }
      try {
        return member.apply(value, args as unknown[]);
      } catch (error) {
        return this.#fail(arg.pos, arg.source, `error calling ${name}: ${(error as Error).message}`);
      }
    }
    return this.#fail(arg.pos, arg.source, `can't evaluate field ${name} in type ${goType(value)}`);
  }

  #printed(value: unknown): string {
    const text = value === undefined || value === null ? "<no value>" : formatValue(value);
    return this.#options.escaper?.value(value, text) ?? text;
  }

  /** Fails when all that was done so far is too much. */
  #charge(units: number): void {
    this.#work += units;
    if (this.#work > this.#maxWork) throw new TemplateError(`template: ${this.#template.name}: too much to do`);
  }

  #chargeText(value: unknown): void {
    if (typeof value !== "string") return;
    if (value.length > this.#maxLength)
      throw new TemplateError(`template: ${this.#template.name}: a text exceeds ${this.#maxLength} characters`);
    this.#charge(1 + Math.floor(value.length / CHARACTERS_PER_UNIT));
  }

  #write(text: string): void {
    if (this.#out.length + text.length > this.#maxLength)
      throw new TemplateError(`template: ${this.#template.name}: output exceeds ${this.#maxLength} characters`);
    this.#out += text;
  }

  #fail(pos: number, expression: string, message: string, bare = false): never {
    const { name, source } = this.#template;
    const at = bare ? "" : ` at <${expression.trim()}>`;
    throw new TemplateError(
      `template: ${name}:${lineOf(source, pos)}:${columnOf(source, pos)}: executing "${name}"${at}: ${message}`,
    );
  }
}

function* upTo(count: bigint): Generator<readonly [bigint, bigint]> {
  for (let i = 0n; i < count; i++) yield [i, i];
}

/** Only names that begin with a capital can be reached, as in Go: what JavaScript's own types bring along cannot. */
const EXPORTED = /^\p{Lu}/u;

/** Whether a map's own type has a method of this name, which then goes before a key. */
function isMethod(value: object, name: string): boolean {
  return EXPORTED.test(name) && typeof (value as Record<string, unknown>)[name] === "function";
}

function sourceOf(pipe: Pipe, source: string): string {
  return source.slice(pipe.pos, source.indexOf("}}", pipe.pos)).trim();
}
