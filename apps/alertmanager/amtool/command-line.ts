// Command lines with subcommands, by the rules of the reference's flag library (kingpin): flags of every command on the way
// stand anywhere among the words, a command may have a default below it, `@FILE` stands for the lines of a file.
import { readFileSync } from "node:fs";
import type { Flag, FlagType } from "@narthex/toolkit";

/** A flag of one command and of those below it. */
export interface CommandFlag extends Flag {
  /** One letter: `-x`. */
  readonly short?: string;
  readonly required?: boolean;
}

/** The words behind a command: one of them, or as many as there are. */
export interface CommandArgument {
  readonly name: string;
  readonly property: string;
  readonly help: string;
  // biome-ignore lint/suspicious/noExplicitAny: arguments of all types stand in one table
  readonly type: FlagType<any>;
  readonly repeatable?: boolean;
}

/** A node of the tree: either it has commands below it, or it takes an argument, or neither. */
export interface Command {
  readonly name: string;
  /** The first line sums it up. */
  readonly help: string;
  readonly flags: readonly CommandFlag[];
  readonly argument?: CommandArgument;
  readonly commands?: readonly Command[];
  /** Taken when no other of its siblings is named. */
  readonly isDefault?: boolean;
}

/** One thing that was written, and for what: in the order of the line. */
export interface WrittenPart {
  readonly of: CommandFlag | CommandArgument;
  readonly text: string;
}

/** A line whose form is right. Its values have not been looked at. */
export interface CommandLine {
  /** From the root down to the command that was chosen, defaults included. */
  readonly path: readonly Command[];
  readonly written: readonly WrittenPart[];
}

type Token = { readonly kind: "long" | "short" | "word"; readonly text: string };

/** Files that may be read in place of words: more is a file that names itself. */
const MAX_EXPANSIONS = 100;

/** Reads a line. Throws an error in the reference's words when its form is wrong. `-h` and `--help` end the search for defaults. */
export function readCommandLine(root: Command, argv: readonly string[], help: CommandFlag): CommandLine {
  const words = new Words(argv);
  const path: Command[] = [root];
  const written: WrittenPart[] = [];
  const long = new Map<string, CommandFlag>();
  const short = new Map<string, CommandFlag>();
  const learn = ({ flags }: Command): void => {
    for (const flag of flags) {
      long.set(flag.name, flag);
      if (flag.short !== undefined) short.set(flag.short, flag);
    }
  };
  learn(root);
  let takesDefaults = true;
  let argumentCount = 0;
  const here = (): Command => path.at(-1) as Command;
  const enter = (command: Command): void => {
    path.push(command);
    learn(command);
  };
  const defaultBelow = (): Command | undefined =>
    takesDefaults ? here().commands?.find(({ isDefault }) => isDefault === true) : undefined;
  for (let token = words.peek(short); token !== undefined; token = words.peek(short)) {
    if (token.kind === "word") {
      const { argument, commands } = here();
      if (argument !== undefined && (argument.repeatable === true || argumentCount === 0)) {
        words.take();
        argumentCount++;
        written.push({ of: argument, text: token.text });
        continue;
      }
      if (commands === undefined) throw new Error(`unexpected ${token.text}`);
      const named = commands.find(({ name }) => name === token.text);
      const next = named ?? defaultBelow();
      if (next === undefined) throw new Error(`expected command but got ${JSON.stringify(token.text)}`);
      if (named !== undefined) words.take();
      enter(next);
      continue;
    }
    const { flag, isNegated } = token.kind === "long" ? longFlag(token.text, long) : { flag: short.get(token.text) };
    if (flag === undefined || (isNegated === true && flag.type.isBoolean !== true)) {
      // A flag of the default command may stand before its name is clear.
      const next = defaultBelow();
      if (next === undefined)
        throw new Error(`unknown ${token.kind} flag '${token.kind === "long" ? "--" : "-"}${token.text}'`);
      enter(next);
      continue;
    }
    words.take();
    if (flag === help) takesDefaults = false;
    if (flag.type.isBoolean === true) {
      written.push({ of: flag, text: isNegated === true ? "false" : "true" });
      continue;
    }
    const value = words.peek(short);
    if (value?.kind !== "word")
      throw new Error(`expected argument for flag '${token.kind === "long" ? "--" : "-"}${token.text}'`);
    words.take();
    written.push({ of: flag, text: value.text });
  }
  for (let next = defaultBelow(); next !== undefined; next = defaultBelow()) enter(next);
  return { path, written };
}

function longFlag(
  text: string,
  long: ReadonlyMap<string, CommandFlag>,
): { flag: CommandFlag | undefined; isNegated?: boolean } {
  const flag = long.get(text);
  if (flag !== undefined || !text.startsWith("no-")) return { flag };
  return { flag: long.get(text.slice(3)), isNegated: true };
}

/** The line word by word. */
class Words {
  #rest: string[];
  #waiting: Token[] = [];
  #hasFlagsBehind = true;
  #expansions = 0;

  constructor(argv: readonly string[]) {
    this.#rest = [...argv];
  }

  /** What comes next, which stays there; undefined at the end. Which letters take a value decides how `-xyz` is read. */
  peek(short: ReadonlyMap<string, CommandFlag>): Token | undefined {
    if (this.#waiting.length === 0) this.#read(short);
    return this.#waiting[0];
  }

  take(): void {
    this.#waiting.shift();
  }

  #read(short: ReadonlyMap<string, CommandFlag>): void {
    const word = this.#rest.shift();
    if (word === undefined) return;
    if (!this.#hasFlagsBehind) {
      this.#waiting.push({ kind: "word", text: word });
    } else if (word === "--") {
      this.#hasFlagsBehind = false;
      this.#read(short);
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      this.#waiting.push({ kind: "long", text: word.slice(2, equals < 0 ? undefined : equals) });
      if (equals >= 0) this.#waiting.push({ kind: "word", text: word.slice(equals + 1) });
    } else if (word.startsWith("-")) {
      const [letter = ""] = word.slice(1);
      const rest = word.slice(1 + letter.length);
      const flag = short.get(letter);
      this.#waiting.push({ kind: letter === "" ? "word" : "short", text: letter });
      if (rest === "") return;
      if (flag !== undefined && flag.type.isBoolean !== true) this.#waiting.push({ kind: "word", text: rest });
      else this.#rest.unshift(`-${rest}`);
    } else if (word.startsWith("@")) {
      this.#expand(word.slice(1));
      this.#read(short);
    } else {
      this.#waiting.push({ kind: "word", text: word });
    }
  }

  #expand(file: string): void {
    if (++this.#expansions > MAX_EXPANSIONS) throw new Error(`too many arguments files, the last one is ${file}`);
    let lines: string[];
    try {
      lines = readFileSync(file, "utf8").split("\n");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? "no such file or directory" : code;
      throw new Error(`failed to open arguments file ${JSON.stringify(file)}: open ${file}: ${reason}`);
    }
    this.#rest.unshift(...lines.filter((line) => line !== "" && !line.startsWith("#")));
  }
}

/** Values by `property`: defaults, and over them what was written. */
export type CommandValues = Readonly<Record<string, unknown>>;

/** Reads the values of a line; `defaults` replace those of the flags, by name. Throws an error in the reference's words. */
export function commandValues(line: CommandLine, defaults: ReadonlyMap<string, string>): CommandValues {
  const values: Record<string, unknown> = {};
  const seen = new Set<object>();
  for (const { flags, argument } of line.path) {
    for (const flag of flags) {
      const own = defaults.get(flag.name) ?? flag.default;
      const texts = typeof own === "string" ? [own] : (own ?? []);
      if (line.written.some(({ of }) => of === flag)) continue;
      const parsed: unknown[] = texts.map((text) => flag.type.parse(text));
      values[flag.property] = flag.repeatable === true ? parsed : parsed.length > 0 ? parsed[0] : undefined;
    }
    if (argument !== undefined) values[argument.property] = argument.repeatable === true ? [] : undefined;
  }
  for (const { of, text } of line.written) {
    const value: unknown = of.type.parse(text);
    if (of.repeatable === true)
      values[of.property] = [...((values[of.property] as unknown[] | undefined) ?? []), value];
    else if (seen.has(of)) throw new Error(`flag '${of.name}' cannot be repeated`);
    else values[of.property] = value;
    seen.add(of);
  }
  return values;
}

/** Names of flags that must be written and are not. */
export function missingFlags({ path, written }: CommandLine): string[] {
  const given = new Set(written.map(({ of }) => of));
  return path
    .flatMap(({ flags }) => flags)
    .filter((flag) => flag.required === true && !given.has(flag))
    .map(({ name }) => name);
}
