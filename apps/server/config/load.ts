// Loading the configuration: read, parse, check, complete. Either a whole `Config` comes out, or a `ConfigError` with
// every problem found; never something in between.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { Labels } from "@narthex/model";
import {
  type Codec,
  decodeNode,
  initialOf,
  type Logger,
  parseYaml,
  quote,
  silentLogger,
  YamlReader,
  YamlSyntaxError,
} from "@narthex/toolkit";
import { expandVariables } from "./environment.ts";
import { ConfigError, type ConfigProblem, placeText } from "./error.ts";
import { glob } from "./glob.ts";
import { type ConfigDraft, completeConfig, configFile, scrapeConfigsFile } from "./schema/config.ts";
import { type ConfigDefaults, completeScrape } from "./schema/scrape.ts";
import type { Config, GlobalConfig, ScrapeConfig } from "./types.ts";

/** What loading depends on besides the file. */
export interface LoadOptions {
  /** Refuses what an agent cannot do. */
  readonly agentMode?: boolean;
  /** What flags and features change about the defaults. */
  readonly defaults?: ConfigDefaults;
  /** Standard: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Warned of empty environment variables. */
  readonly logger?: Logger;
}

/** Reads and checks a configuration file and the files of its `scrape_config_files`. Throws a `ConfigError`. */
export function loadConfigFile(file: string, options: LoadOptions = {}): Config {
  return loadConfig(readText(file, "name another file with --config.file"), file, options);
}

/** The same for a text in memory. Relative paths are resolved against the directory of `file`, which need not exist. */
export function loadConfig(text: string, file = "", options: LoadOptions = {}): Config {
  const environment = options.environment ?? process.env;
  const reader = new YamlReader(dirname(file));
  const prefix = `parsing YAML file ${file}: `;
  const draft = readDocument(text, configFile, reader, file, prefix) ?? initialOf(configFile);
  if (reader.problemCount === 0) completeConfig(draft, options.defaults ?? {}, environment, reader);
  throwProblems(reader, file, prefix);
  const { global } = draft as ConfigDraft & { global: GlobalConfig };
  draft.global.externalLabels = expandLabels(global.externalLabels, environment, options.logger ?? silentLogger);
  if (options.agentMode === true) refuseInAgentMode(draft, reader, file);
  const complete = draft as ConfigDraft & Omit<Config, "file" | "allScrapeConfigs">;
  return { ...complete, file, allScrapeConfigs: loadScrapeConfigFiles(complete) };
}

/** Reads a file whole. Throws a `ConfigError` that ends with `advice`, if there is any. */
export function readText(file: string, advice?: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = OPEN_ERRORS[code ?? ""] ?? message;
    throw new ConfigError(
      "config_unreadable",
      `open ${file}: ${reason}${advice === undefined ? "" : ` (${advice})`}`,
      [{ file, line: 0, column: 0, message: reason }],
      { cause: error },
    );
  }
}

const OPEN_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
};

/** Parses and decodes; undefined for an empty document. Throws for a text that is no YAML. */
export function readDocument<T>(
  text: string,
  codec: Codec<T>,
  reader: YamlReader,
  file: string,
  prefix: string,
): T | undefined {
  try {
    const { root } = parseYaml(text);
    return root === undefined ? undefined : decodeNode(codec, root, reader);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    const problem = { file, line: error.at.line, column: error.at.column, message: error.message };
    throw new ConfigError("config_syntax", `${placeText(problem)}: ${prefix}${error.message}`, [problem], {
      cause: error,
    });
  }
}

/** Throws what the reader has collected, if anything. */
export function throwProblems(reader: YamlReader, file: string, prefix: string): void {
  const { problems } = reader;
  const [first] = problems;
  if (first === undefined) return;
  const placed: ConfigProblem[] = problems.map(({ at, message }) => ({
    file,
    line: at.line,
    column: at.column,
    message,
  }));
  const head = `${placeText(placed[0] as ConfigProblem)}: ${prefix}`;
  if (placed.length === 1 && first.kind === "value") {
    throw new ConfigError("config_invalid", head + first.message, placed);
  }
  const lines = placed.map(({ line, column, message }) => `  line ${line}, column ${column}: ${message}`);
  throw new ConfigError("config_invalid", `${head}yaml: unmarshal errors:\n${lines.join("\n")}`, placed);
}

function expandLabels(
  labels: Labels,
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
): Labels {
  const expanded: [string, string][] = [];
  for (const [name, value] of labels) {
    const result = expandVariables(value, (variable) => {
      if (variable === "$") return "$";
      const found = environment[variable] ?? "";
      if (found === "") logger.warn("Empty environment variable", { name: variable, ...hintOn(variable) });
      return found;
    });
    if (result !== value) logger.debug("External label replaced", { label: name, input: value, output: result });
    expanded.push([name, result]);
  }
  return expanded.length === 0 ? labels : Labels.fromUnsorted(expanded);
}

/** Shells lose variables with other names, and narthex is started by one. */
function hintOn(variable: string): { hint?: string } {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable)) return {};
  return { hint: "the shell that starts narthex hands on only names of letters, digits and underscores" };
}

function refuseInAgentMode(draft: ConfigDraft, reader: YamlReader, file: string): void {
  const { alerting } = draft;
  const forbidden = [
    ["alerting", alerting.alertmanagers.length > 0 || alerting.alertRelabelConfigs.length > 0],
    ["rule_files", draft.ruleFiles.length > 0],
    ["remote_read", draft.remoteRead.length > 0],
  ] as const;
  for (const [key, isThere] of forbidden) {
    if (isThere) reader.invalid(reader.place(draft, key), `field ${key} is not allowed in agent mode`);
  }
  throwProblems(reader, file, "");
}

/** The main file's jobs and those of the files that its globs name, each job under a name of its own. */
function loadScrapeConfigFiles(config: Pick<Config, "global" | "scrapeConfigs" | "scrapeConfigFiles">): ScrapeConfig[] {
  const jobs = [...config.scrapeConfigs];
  const origins = new Map(jobs.map((job) => [job.jobName, "main config file"]));
  for (const pattern of config.scrapeConfigFiles) {
    for (const file of glob(pattern)) {
      const prefix = `${quote(resolve(file))}: `;
      const reader = new YamlReader(dirname(file));
      const read = readDocument(readText(file), scrapeConfigsFile, reader, file, prefix);
      for (const job of reader.problemCount > 0 ? [] : (read?.scrapeConfigs ?? [])) {
        completeScrape(job, config.global, reader);
        const first = origins.get(job.jobName);
        if (first !== undefined) {
          reader.invalid(
            reader.place(job, "job_name"),
            `found multiple scrape configs with job name ${quote(job.jobName)}, first found in ${first}`,
          );
        }
        origins.set(job.jobName, quote(resolve(file)));
        jobs.push(job as ScrapeConfig);
      }
      throwProblems(reader, file, prefix);
    }
  }
  return jobs;
}
