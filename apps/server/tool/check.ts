// `check config` and `check rules`: the server's own loaders, told in the reference's words.
import { readFileSync } from "node:fs";
import { compareStrings, Labels } from "@narthex/model";
import { glob } from "../config/glob.ts";
import { type Config, ConfigError, loadConfigFile } from "../config/index.ts";
import { parseRuleFile, type RuleGroupSource } from "../rules/rule-file.ts";
import {
  enabledFeatures,
  type FlagNames,
  type ParsedArguments,
  parseArguments,
  requireFiles,
  UsageError,
} from "./arguments.ts";
import { checkFiles } from "./check-files.ts";
import { parserFeatures } from "./features.ts";
import { referenceTexts } from "./reference-text.ts";
import type { ToolEnvironment } from "./tool.ts";

/** Exit codes of the reference. */
const FAILED = 1;
const LINT_FAILED = 3;
/** A series is stale five minutes after its last sample. */
const LOOKBACK_MS = 300_000;

const LINTS = ["all", "none", "duplicate-rules", "too-long-scrape-interval"];
const FLAGS: FlagNames = {
  values: ["lint"],
  switches: ["lint-fatal", "syntax-only", "ignore-unknown-fields", "agent"],
};

/** What went wrong so far. */
interface Verdict {
  failed: boolean;
  linted: boolean;
}

/** `check config FILE...` */
export function checkConfig(argv: readonly string[], environment: ToolEnvironment): number {
  const given = parseArguments(argv, FLAGS);
  const files = given.words;
  if (files.length === 0) throw new UsageError("required argument 'config-files' not provided");
  requireFiles(files);
  const lints = lintsOf(given);
  const verdict: Verdict = { failed: false, linted: false };
  for (const file of files) {
    environment.out(`Checking ${file}\n`);
    const config = loaded(() => loadConfigFile(file, { agentMode: given.has("agent") }), environment, verdict);
    if (config === undefined) {
      environment.out("\n");
      continue;
    }
    const syntaxOnly = given.has("syntax-only");
    const ruleFiles = syntaxOnly ? [] : ruleFilesOf(config);
    const findings = typeof ruleFiles === "string" ? undefined : checkFiles(config, syntaxOnly);
    for (const warning of findings?.warnings ?? []) environment.out(`  WARNING: ${warning}\n`);
    if (typeof ruleFiles === "string" || findings?.failure !== undefined) {
      environment.err(`  FAILED: ${typeof ruleFiles === "string" ? ruleFiles : findings?.failure}\n`);
      environment.out("\n");
      verdict.failed = true;
      continue;
    }
    if (ruleFiles.length > 0) environment.out(`  SUCCESS: ${ruleFiles.length} rule files found\n`);
    environment.out(` SUCCESS: ${file} is valid prometheus config file syntax\n`);
    for (const problem of lints.has("too-long-scrape-interval") ? longIntervals(config) : []) {
      environment.err(`  FAILED: ${problem}\n`);
      verdict.linted = true;
    }
    environment.out("\n");
    for (const ruleFile of ruleFiles) {
      environment.out(`Checking ${ruleFile}\n`);
      checkGroups(readFileSync(ruleFile, "utf8"), ruleFile, given, environment, verdict);
    }
  }
  return codeOf(verdict, given);
}

/** `check rules FILE...`, or standard input without files. */
export function checkRules(argv: readonly string[], environment: ToolEnvironment): number {
  const given = parseArguments(argv, FLAGS);
  lintsOf(given);
  requireFiles(given.words);
  const verdict: Verdict = { failed: false, linted: false };
  if (given.words.length === 0) {
    environment.out("Checking standard input\n");
    checkGroups(environment.stdin(), "standard input", given, environment, verdict);
  }
  for (const file of given.words) {
    environment.out(`Checking ${file}\n`);
    checkGroups(readFileSync(file, "utf8"), file, given, environment, verdict);
  }
  return codeOf(verdict, given);
}

function checkGroups(
  text: string,
  file: string,
  given: ParsedArguments,
  environment: ToolEnvironment,
  verdict: Verdict,
): void {
  const options = {
    parser: parserFeatures(enabledFeatures(given)),
    ignoreUnknownFields: given.has("ignore-unknown-fields"),
  };
  const groups = loaded(() => parseRuleFile(text, file, options), environment, verdict, ruleProblems);
  if (groups === undefined) return;
  const repeated = lintsOf(given).has("duplicate-rules") ? duplicatesOf(groups) : [];
  if (repeated.length === 0) {
    let rules = 0;
    for (const group of groups) rules += group.rules.length;
    environment.out(`  SUCCESS: ${rules} rules found\n\n`);
    return;
  }
  verdict.linted = true;
  const details = repeated.map(({ name, labels }) => {
    const lines = [...labels].map(([label, value]) => `\t${label}: ${value}\n`);
    return `Metric: ${name}\nLabel(s):\n${lines.join("")}`;
  });
  environment.err(
    `  FAILED:\nlint error ${repeated.length} duplicate rule(s) found.\n${details.join("")}` +
      "Might cause inconsistency while recording expressions\n",
  );
  environment.out("\n");
}

/** Every problem on a line of its own. */
function ruleProblems(error: ConfigError): string {
  return `\n${referenceTexts(error).join("\n")}`;
}

/** Runs a loader; its refusal is printed and noted. */
function loaded<T>(
  load: () => T,
  { err }: ToolEnvironment,
  verdict: Verdict,
  tell = (error: ConfigError): string => ` ${error.message}`,
): T | undefined {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`  FAILED:${tell(error)}\n`);
    verdict.failed = true;
    return undefined;
  }
}

/** The files that the configuration's patterns name, or why there is one missing. */
function ruleFilesOf({ ruleFiles }: Config): readonly string[] | string {
  const found: string[] = [];
  for (const pattern of ruleFiles) {
    const files = glob(pattern);
    if (files.length === 0 && !/[*?[]/.test(pattern))
      return `${JSON.stringify(pattern)} does not point to an existing file`;
    found.push(...files);
  }
  return found;
}

function longIntervals(config: Config): readonly string[] {
  return config.allScrapeConfigs
    .filter(({ scrapeIntervalMs }) => scrapeIntervalMs >= LOOKBACK_MS)
    .map(
      ({ jobName, scrapeIntervalMs }) =>
        "too long scrape interval found, data point will be marked as stale - " +
        `job: ${jobName}, interval: ${scrapeIntervalMs / 1000}s`,
    );
}

/** Rules of equal name and labels, each named once, by name and then by labels. Alerts and recordings count alike, as in the reference. */
function duplicatesOf(groups: readonly RuleGroupSource[]): { name: string; labels: Labels }[] {
  const seen = new Set<string>();
  const repeated = new Map<string, { name: string; labels: Labels }>();
  for (const { rules } of groups) {
    for (const { name, labels } of rules) {
      const key = JSON.stringify([name, labels.key]);
      if (seen.has(key)) repeated.set(key, { name, labels });
      seen.add(key);
    }
  }
  return [...repeated.values()].sort((a, b) => compareStrings(a.name, b.name) || Labels.compare(a.labels, b.labels));
}

function lintsOf(given: ParsedArguments): ReadonlySet<string> {
  const list = (given.value("lint") ?? "duplicate-rules").split(",");
  for (const name of list) {
    if (!LINTS.includes(name))
      throw new UsageError(`unknown lint ${JSON.stringify(name)}, there are ${LINTS.join(", ")}`);
  }
  if (list.includes("none")) return new Set();
  return new Set(list.includes("all") ? LINTS : list);
}

function codeOf({ failed, linted }: Verdict, given: ParsedArguments): number {
  if (failed) return FAILED;
  return linted && given.has("lint-fatal") ? LINT_FAILED : 0;
}
