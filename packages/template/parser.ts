// From tokens to a tree. Source: the language of Go's text/template, as its documentation gives it.
import type { Arg, Body, Command, Node, ParsedTemplate, Pipe } from "./ast.ts";
import { parseNumber, unquote } from "./go-literal.ts";
import { type Token, tokenize } from "./lexer.ts";
import { lineOf, TemplateError } from "./template-error.ts";

/** How deep actions and parentheses may nest. */
const MAX_DEPTH = 100;

/**
 * Parses `source`. `isFunction` tells which names can be called: unknown ones are refused here, as Go does.
 * Throws a `TemplateError`.
 */
export function parseTemplate(name: string, source: string, isFunction: (name: string) => boolean): ParsedTemplate {
  return new Parser(name, source, isFunction).parse();
}

class Parser {
  readonly #name: string;
  readonly #source: string;
  readonly #isFunction: (name: string) => boolean;
  readonly #tokens: Token[];
  readonly #definitions = new Map<string, Body>();
  #at = 0;
  #depth = 0;
  #loops = 0;
  #variables: string[] = ["$"];

  constructor(name: string, source: string, isFunction: (name: string) => boolean) {
    this.#name = name;
    this.#source = source;
    this.#isFunction = isFunction;
    this.#tokens = tokenize(name, source);
  }

  parse(): ParsedTemplate {
    const { body, ended } = this.#body();
    if (ended !== "eof") this.#fail(`unexpected {{${ended}}}`);
    return { name: this.#name, source: this.#source, body, definitions: this.#definitions };
  }

  /** Nodes up to `end`, `else` or the end of the source; tells which it was, its keyword taken. */
  #body(): { body: Body; ended: "end" | "else" | "eof" } {
    if (++this.#depth > MAX_DEPTH) this.#fail("actions nest too deeply");
    const body: Node[] = [];
    try {
      for (;;) {
        const token = this.#next();
        if (token.kind === "end") return { body, ended: "eof" };
        if (token.kind === "text") {
          body.push({ kind: "text", text: token.text });
          continue;
        }
        this.#skipSpace();
        const word = this.#peek();
        if (word.kind === "word" && (word.text === "end" || word.text === "else")) {
          this.#next();
          if (word.text === "end") this.#close("end");
          return { body, ended: word.text };
        }
        const node = this.#action();
        if (node !== undefined) body.push(node);
      }
    } finally {
      this.#depth--;
    }
  }

  #action(): Node | undefined {
    const token = this.#peek();
    if (token.kind === "word") {
      switch (token.text) {
        case "if":
        case "with":
        case "range":
          this.#next();
          return this.#control(token.text, token.pos);
        case "template":
          this.#next();
          return this.#call(token.pos);
        case "define":
        case "block":
          this.#next();
          return this.#define(token.text, token.pos);
        case "break":
        case "continue":
          this.#next();
          if (this.#loops === 0) this.#fail(`{{${token.text}}} outside {{range}}`);
          this.#close(token.text);
          return { kind: token.text };
      }
    }
    const pipe = this.#pipe("command");
    this.#close("command");
    return { kind: "action", pipe };
  }

  #control(kind: "if" | "with" | "range", pos: number): Node {
    const scope = this.#variables.length;
    const pipe = this.#pipe(kind, kind === "range");
    this.#close(kind);
    if (kind === "range") this.#loops++;
    const { body, ended } = this.#body();
    if (kind === "range") this.#loops--;
    if (ended === "eof") this.#fail("unexpected EOF");
    let otherwise: Body | undefined;
    if (ended === "else") {
      this.#skipSpace();
      const word = this.#peek();
      if (word.kind === "word" && (word.text === "if" || word.text === "with") && word.text === kind) {
        this.#next();
        otherwise = [this.#control(kind, word.pos)];
      } else {
        this.#close("else");
        const rest = this.#body();
        if (rest.ended !== "end") this.#fail(rest.ended === "eof" ? "unexpected EOF" : "expected end; found {{else}}");
        otherwise = rest.body;
      }
    }
    this.#variables.length = scope;
    return { kind, pos, pipe, body, otherwise };
  }

  #call(pos: number): Node {
    this.#skipSpace();
    const namePos = this.#peek().pos;
    const name = this.#quotedName("template clause");
    this.#skipSpace();
    const pipe = this.#peek().kind === "close" ? undefined : this.#pipe("template clause");
    const source = pipe === undefined ? "" : ` ${this.#source.slice(pipe.pos, this.#peek().pos).trim()}`;
    this.#close("template clause");
    return { kind: "template", pos, name, namePos, source: `{{template "${name}"${source}}}`, pipe };
  }

  #define(kind: "define" | "block", pos: number): Node | undefined {
    this.#skipSpace();
    const namePos = this.#peek().pos;
    const name = this.#quotedName(`${kind} clause`);
    const pipe = kind === "block" ? this.#pipe("block clause") : undefined;
    this.#close(`${kind} clause`);
    const outer = this.#variables;
    const loops = this.#loops;
    this.#variables = ["$"];
    this.#loops = 0;
    const { body, ended } = this.#body();
    this.#variables = outer;
    this.#loops = loops;
    if (ended !== "end") this.#fail(ended === "eof" ? "unexpected EOF" : "unexpected {{else}}");
    this.#definitions.set(name, body);
    return kind === "block"
      ? { kind: "template", pos, name, namePos, source: `{{template "${name}"}}`, pipe }
      : undefined;
  }

  #quotedName(context: string): string {
    const token = this.#next();
    const name = token.kind === "string" ? unquote(token.text) : undefined;
    if (name === undefined) return this.#unexpected(token, context);
    return name;
  }

  #pipe(context: string, isRange = false): Pipe {
    this.#skipSpace();
    const { pos } = this.#peek();
    const variables: string[] = [];
    let assigns = false;
    const start = this.#at;
    if (this.#peek().kind === "variable") {
      const first = this.#next().text;
      this.#skipSpace();
      const next = this.#peek();
      if (next.kind === "symbol" && (next.text === ":=" || next.text === "=")) {
        this.#next();
        variables.push(first);
        assigns = next.text === "=";
      } else if (isRange && next.kind === "symbol" && next.text === ",") {
        this.#next();
        this.#skipSpace();
        const second = this.#next();
        if (second.kind !== "variable") this.#unexpected(second, context);
        this.#skipSpace();
        const sign = this.#next();
        if (sign.kind !== "symbol" || (sign.text !== ":=" && sign.text !== "=")) this.#unexpected(sign, context);
        variables.push(first, second.text);
        assigns = sign.text === "=";
      } else {
        this.#at = start;
      }
    }
    const commands: Command[] = [this.#command(context)];
    for (;;) {
      this.#skipSpace();
      const token = this.#peek();
      if (token.kind !== "symbol" || token.text !== "|") break;
      this.#next();
      const command = this.#command(context);
      const [first] = command.args;
      if (first !== undefined && (first.kind === "literal" || first.kind === "dot" || first.kind === "nil"))
        this.#fail(`non executable command in pipeline stage ${commands.length + 1}`);
      commands.push(command);
    }
    for (const variable of variables) {
      if (!assigns) this.#variables.push(variable);
      else if (!this.#variables.includes(variable)) this.#fail(`undefined variable "${variable}"`);
    }
    return { pos, variables, assigns, commands };
  }

  #command(context: string): Command {
    this.#skipSpace();
    const { pos } = this.#peek();
    const args: Arg[] = [];
    for (;;) {
      this.#skipSpace();
      const arg = this.#operand();
      if (arg === undefined) break;
      args.push(arg);
      const after = this.#peek();
      if (
        after.kind !== "space" &&
        after.kind !== "close" &&
        !(after.kind === "symbol" && (after.text === ")" || after.text === "|"))
      )
        this.#unexpected(after, "operand");
    }
    if (args.length === 0) {
      const token = this.#peek();
      if (token.kind === "close" || (token.kind === "symbol" && (token.text === "|" || token.text === ")")))
        this.#fail(`missing value for ${context}`);
      this.#unexpected(token, context);
    }
    return { pos, args };
  }

  /** One argument with the fields behind it; undefined where none begins. */
  #operand(): Arg | undefined {
    const token = this.#peek();
    const { pos } = token;
    const source = (): string => this.#source.slice(pos, this.#peek().pos);
    switch (token.kind) {
      case "field": {
        this.#next();
        // Where Go sees a chain of fields, it keeps the place where the chain goes on.
        const chained = this.#peek();
        const names = [token.text.slice(1), ...this.#fields()];
        return { kind: "field", pos: chained.kind === "field" ? chained.pos : pos, source: source(), names };
      }
      case "variable": {
        this.#next();
        if (!this.#variables.includes(token.text)) this.#fail(`undefined variable "${token.text}"`);
        const chained = this.#peek();
        const names = this.#fields();
        const at = chained.kind === "field" ? chained.pos : pos;
        return { kind: "variable", pos: at, source: source(), name: token.text, names };
      }
      case "string": {
        this.#next();
        const value = unquote(token.text);
        if (value === undefined) return this.#fail(`invalid syntax in string ${token.text}`);
        return { kind: "literal", pos, source: token.text, value };
      }
      case "char": {
        this.#next();
        const character = unquote(token.text);
        if (character === undefined || [...character].length !== 1)
          return this.#fail(`malformed character constant: ${token.text}`);
        return { kind: "literal", pos, source: token.text, value: BigInt(character.codePointAt(0) as number) };
      }
      case "number": {
        this.#next();
        const value = parseNumber(token.text);
        if (value === undefined) return this.#fail(`bad number syntax: "${token.text}"`);
        return { kind: "literal", pos, source: token.text, value };
      }
      case "word": {
        this.#next();
        if (token.text === "true" || token.text === "false")
          return { kind: "literal", pos, source: token.text, value: token.text === "true" };
        if (token.text === "nil") return { kind: "nil", pos, source: "nil" };
        if (!this.#isFunction(token.text)) this.#fail(`function "${token.text}" not defined`);
        return { kind: "function", pos, source: token.text, name: token.text };
      }
      case "symbol":
        if (token.text === ".") {
          this.#next();
          return { kind: "dot", pos, source: "." };
        }
        if (token.text !== "(") return undefined;
        return this.#parenthesised(pos);
      default:
        return undefined;
    }
  }

  #parenthesised(pos: number): Arg {
    if (++this.#depth > MAX_DEPTH) this.#fail("parentheses nest too deeply");
    this.#next();
    const pipe = this.#pipe("parenthesized pipeline");
    this.#skipSpace();
    const closing = this.#next();
    if (closing.kind !== "symbol" || closing.text !== ")") this.#fail("unclosed left paren");
    this.#depth--;
    const names = this.#fields();
    return { kind: "pipe", pos, source: this.#source.slice(pos, this.#peek().pos), pipe, names };
  }

  #fields(): string[] {
    const names: string[] = [];
    while (this.#peek().kind === "field") names.push(this.#next().text.slice(1));
    return names;
  }

  #close(context: string): void {
    this.#skipSpace();
    const token = this.#next();
    if (token.kind !== "close") this.#unexpected(token, context);
  }

  #peek(): Token {
    return this.#tokens[this.#at] as Token;
  }

  #next(): Token {
    const token = this.#tokens[this.#at] as Token;
    if (token.kind !== "end") this.#at++;
    return token;
  }

  #skipSpace(): void {
    while (this.#peek().kind === "space") this.#at++;
  }

  #unexpected(token: Token, context: string): never {
    const shown = token.kind === "end" ? "EOF" : token.kind === "close" ? '"}}"' : `<${token.text}>`;
    return this.#fail(`unexpected ${shown} in ${context}`);
  }

  #fail(message: string): never {
    throw new TemplateError(`template: ${this.#name}:${lineOf(this.#source, this.#peek().pos)}: ${message}`);
  }
}
