// The command lines of tools: flags as `--name=value`, `--name value` or `--name`, then words.
import { existsSync } from "node:fs";

/** A command line that makes no sense; the message is for the user. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Which flags there are: those with a value, and those without. Short names stand for long ones. */
export interface FlagNames {
  readonly values?: readonly string[];
  readonly switches?: readonly string[];
  readonly short?: Readonly<Record<string, string>>;
}

/** What a command line says. */
export interface ParsedArguments {
  readonly words: readonly string[];
  /** In the order given. */
  values(name: string): readonly string[];
  /** The last one given. */
  value(name: string): string | undefined;
  has(name: string): boolean;
}

/** Reads a command line; `--enable-feature` is known everywhere. Throws `UsageError` for flags that are not there. */
export function parseArguments(argv: readonly string[], names: FlagNames): ParsedArguments {
  const withValue = new Set([...(names.values ?? []), "enable-feature"]);
  const switches = new Set(names.switches);
  const given = new Map<string, string[]>();
  const words: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === "--") {
      words.push(...argv.slice(i + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      words.push(word);
      continue;
    }
    const at = word.indexOf("=");
    const flag = at < 0 ? word : word.slice(0, at);
    const name = flag.startsWith("--") ? flag.slice(2) : (names.short?.[flag.slice(1)] ?? "");
    if (switches.has(name) && at < 0) {
      given.set(name, ["true"]);
    } else if (withValue.has(name)) {
      const value = at < 0 ? argv[++i] : word.slice(at + 1);
      if (value === undefined) throw new UsageError(`expected argument for flag '${flag}'`);
      given.set(name, [...(given.get(name) ?? []), value]);
    } else {
      throw new UsageError(`unknown ${flag.startsWith("--") ? "long" : "short"} flag '${flag}'`);
    }
  }
  return {
    words,
    values: (name) => given.get(name) ?? [],
    value: (name) => given.get(name)?.at(-1),
    has: (name) => given.has(name),
  };
}

/** Throws `UsageError` for the first path that does not exist. */
export function requireFiles(paths: readonly string[]): void {
  for (const path of paths) if (!existsSync(path)) throw new UsageError(`path '${path}' does not exist`);
}

/** The engine's feature switches among `--enable-feature=a,b`. */
export function enabledFeatures(given: ParsedArguments): ReadonlySet<string> {
  return new Set(given.values("enable-feature").flatMap((list) => list.split(",")));
}
