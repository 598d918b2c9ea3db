// Loading the configuration: read, parse, check, complete. Either a whole `Config` comes out, or a `ConfigError`.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { decodeNode, emitYaml, parseYaml, YamlReader, YamlSyntaxError } from "@narthex/toolkit";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { type Config, type ConfigDraft, completeConfig, configCodec } from "./config.ts";
import { ConfigError } from "./error.ts";

const OPEN_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

/** Reads and checks a file. Throws a `ConfigError`. */
export function loadConfigFile(file: string, grammar: MatcherGrammar): Config {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(`open ${file}: ${OPEN_ERRORS[code ?? ""] ?? message}`, [], { cause: error });
  }
  return loadConfig(source, file, grammar);
}

/** The same for a text. Relative paths are meant from the directory of `file`, which need not exist. */
export function loadConfig(source: string, file: string, grammar: MatcherGrammar): Config {
  const codec = configCodec(grammar);
  const reader = new YamlReader(dirname(file));
  let draft: ConfigDraft;
  try {
    const { root } = parseYaml(source);
    if (root === undefined) throw new ConfigError(placed(file, 0, 0, "no route provided in config"));
    draft = decodeNode(codec, root, reader);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    const { line, column } = error.at;
    const problem = { line, column, message: error.message };
    throw new ConfigError(placed(file, line, column, error.message), [problem], { cause: error });
  }
  if (reader.problemCount === 0) completeConfig(draft, reader);
  throwProblems(reader, file);
  return { ...(draft as Config), source, yaml: emitYaml(codec.encode(draft)) };
}

function throwProblems(reader: YamlReader, file: string): void {
  const problems = reader.problems.map(({ at, message }) => ({ line: at.line, column: at.column, message }));
  const [first] = problems;
  if (first === undefined) return;
  const isShape = reader.problems.some(({ kind }) => kind === "shape");
  if (problems.length === 1 && !isShape)
    throw new ConfigError(placed(file, first.line, first.column, first.message), problems);
  const lines = problems.map(({ line, column, message }) => `  line ${line}, column ${column}: ${message}`);
  const text = isShape ? `yaml: unmarshal errors:\n${lines.join("\n")}` : `\n${lines.join("\n")}`;
  throw new ConfigError(placed(file, first.line, first.column, text), problems);
}

/** `FILE:LINE:COLUMN: text`. */
function placed(file: string, line: number, column: number, text: string): string {
  const place = [...(file === "" ? [] : [file]), ...(line === 0 ? [] : [line, column])].join(":");
  return place === "" ? text : `${place}: ${text.trimStart() === text ? text : `several problems:${text}`}`;
}
