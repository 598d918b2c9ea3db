// Command lines by the reference's rules (those of its flag library, kingpin): `--x=v`, `--x v`, `--x` and `--no-x` for
// booleans, no abbreviations, no flag twice unless it is meant to repeat.
import { editDistance } from "../yaml/struct.ts";
import { booleanFlag, type Flag } from "./flag.ts";
import { helpText } from "./help.ts";

/** What a command line comes to. */
export type ParsedFlags =
  | {
      readonly kind: "run";
      /** By `property`; repeatable flags are arrays. */
      readonly values: Readonly<Record<string, unknown>>;
      /** Names of the flags that were written, in their order, each once. */
      readonly given: readonly string[];
    }
  | FlagExit;

/** The program is to print this and end. */
export interface FlagExit {
  readonly kind: "exit";
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program whose flags are read. */
export interface FlagProgram {
  /** As it is called: `narthex server`. */
  readonly name: string;
  /** One sentence for the help. */
  readonly description: string;
  /** What `--version` prints, newline included. */
  readonly version: string;
  readonly flags: readonly Flag[];
}

const HELP: Flag = {
  name: "help",
  property: "help",
  type: booleanFlag,
  help: "Show context-sensitive help (also try --help-long and --help-man).",
};
const VERSION: Flag = { name: "version", property: "version", type: booleanFlag, help: "Show application version." };
const BUILT_IN: readonly Flag[] = [
  HELP,
  { ...HELP, name: "help-long", hidden: true },
  { ...HELP, name: "help-man", hidden: true },
  VERSION,
];

/** Reads a command line. Never throws, never prints. */
export function parseFlags(program: FlagProgram, argv: readonly string[]): ParsedFlags {
  const known = new Map([...BUILT_IN, ...program.flags].map((flag) => [flag.name, flag]));
  const written = readWords(argv, known);
  if (typeof written === "string") {
    const stderr = `Error parsing command line arguments: ${written}\n${program.name}: error: ${written}\n${hint(written, known)}`;
    return { kind: "exit", code: 1, stdout: "", stderr };
  }
  const names = new Set(written.map(([flag]) => flag.property));
  if (names.has("help")) return { kind: "exit", code: 0, stdout: helpText(program, BUILT_IN), stderr: "" };
  if (names.has("version")) return { kind: "exit", code: 0, stdout: program.version, stderr: "" };
  const values = initialValues(program.flags);
  const problem = assign(values, written);
  if (problem !== undefined) {
    const stderr = `Error parsing command line arguments: ${problem}\n`;
    return { kind: "exit", code: 2, stdout: helpText(program, BUILT_IN), stderr };
  }
  return { kind: "run", values, given: [...new Set(written.map(([flag]) => flag.name))] };
}

/** Every flag's value as text, by name, hidden ones included: what `/api/v1/status/flags` lists. */
export function flagTexts(flags: readonly Flag[], values: Readonly<Record<string, unknown>>): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const flag of flags) {
    const value = values[flag.property];
    texts[flag.name] = flag.repeatable
      ? (value as readonly unknown[]).map((each) => flag.type.format(each)).join(",")
      : flag.type.format(value);
  }
  return texts;
}

type Written = readonly [flag: Flag, text: string];

/** The flags with their texts, or what is wrong with the line's form. */
function readWords(argv: readonly string[], known: ReadonlyMap<string, Flag>): Written[] | string {
  const written: Written[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === "--") {
      if (i + 1 < argv.length) return `unexpected ${argv[i + 1]}`;
      break;
    }
    if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = word.slice(2, equals < 0 ? undefined : equals);
      const inline = equals < 0 ? undefined : word.slice(equals + 1);
      const plain = known.get(name);
      const negated = plain === undefined && name.startsWith("no-") ? known.get(name.slice(3)) : undefined;
      const flag = plain ?? (negated?.type.isBoolean === true ? negated : undefined);
      if (flag === undefined) return `unknown long flag '--${name}'`;
      if (flag.type.isBoolean === true) {
        if (inline !== undefined && inline !== "true" && inline !== "false") return `unexpected ${inline}`;
        written.push([flag, String((inline !== "false") === (flag === plain))]);
        continue;
      }
      const text = inline ?? argv[++i];
      if (text === undefined || (inline === undefined && text.startsWith("-"))) {
        return `expected argument for flag '--${name}'`;
      }
      written.push([flag, text]);
    } else if (word.startsWith("-") && word.length > 1) {
      for (const letter of word.slice(1)) {
        if (letter !== "h") return `unknown short flag '-${letter}'`;
        written.push([HELP, "true"]);
      }
    } else {
      return `unexpected ${word === "-" ? "" : word}`;
    }
  }
  return written;
}

function initialValues(flags: readonly Flag[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const flag of flags) {
    const texts = typeof flag.default === "string" ? [flag.default] : (flag.default ?? []);
    const parsed = texts.map((text) => flag.type.parse(text));
    values[flag.property] = flag.repeatable ? parsed : parsed.length > 0 ? parsed[0] : flag.type.zero;
  }
  return values;
}

/** Sets the written values over the defaults; returns the first problem. */
function assign(values: Record<string, unknown>, written: readonly Written[]): string | undefined {
  const seen = new Set<Flag>();
  for (const [flag, text] of written) {
    try {
      const value: unknown = flag.type.parse(text);
      if (flag.repeatable) {
        values[flag.property] = seen.has(flag) ? [...(values[flag.property] as unknown[]), value] : [value];
      } else if (seen.has(flag)) {
        return `flag '${flag.name}' cannot be repeated`;
      } else {
        values[flag.property] = value;
      }
    } catch (error) {
      return (error as Error).message;
    }
    seen.add(flag);
  }
  return undefined;
}

/** A line that helps somebody who mistyped. */
function hint(problem: string, known: ReadonlyMap<string, Flag>): string {
  const name = /^unknown long flag '--(.+)'$/.exec(problem)?.[1];
  if (name === undefined) return "";
  let best = "";
  let bestDistance = Math.max(3, Math.floor(name.length / 3));
  for (const candidate of known.keys()) {
    const distance = editDistance(name, candidate, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === ""
    ? "try --help for the list of flags\n"
    : `did you mean --${best}? try --help for the list of flags\n`;
}
