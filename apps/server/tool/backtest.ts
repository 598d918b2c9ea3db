// `backtest`: asks a server when the alerting rules of files would have fired over its past data.
import { readFileSync } from "node:fs";
import { Labels } from "@narthex/model";
import { formatDuration } from "@narthex/toolkit";
import { ConfigError } from "../config/index.ts";
import { parseRuleFile, type RuleGroupSource } from "../rules/rule-file.ts";
import {
  enabledFeatures,
  type FlagNames,
  type ParsedArguments,
  parseArguments,
  requireFiles,
  UsageError,
} from "./arguments.ts";
import { parserFeatures } from "./features.ts";
import { post, serverUrl } from "./query.ts";
import { referenceTexts } from "./reference-text.ts";
import type { ToolEnvironment } from "./tool.ts";

const FLAGS: FlagNames = {
  values: ["start", "end", "step", "alert", "limit", "format"],
  short: { o: "format" },
};
const FORM = { "content-type": "application/x-www-form-urlencoded" };

interface Answer {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  readonly data?: Backtest;
}

interface Backtest {
  readonly rule: { readonly name: string; readonly query: string; readonly duration: number };
  readonly totals: {
    readonly firings: number;
    readonly firingSeconds: number;
    readonly alerts: number;
    readonly pendingOnly: number;
    readonly failedEvaluations: number;
  };
  readonly firings: readonly {
    readonly labels: Record<string, string>;
    readonly value: string;
    readonly firedAt: string;
    readonly resolvedAt?: string;
    readonly seconds: number;
  }[];
  readonly truncated: boolean;
}

/** `backtest --start=TIME SERVER RULE_FILE...`: code 1 when a rule could not be tested. */
export async function backtest(argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const given = parseArguments(argv, FLAGS);
  const [address, ...files] = given.words;
  if (address === undefined) throw new UsageError("required argument 'server' not provided");
  if (files.length === 0) throw new UsageError("required argument 'rule-files' not provided");
  const start = given.value("start");
  if (start === undefined) throw new UsageError("required flag --start not provided");
  requireFiles(files);
  const format = given.value("format") ?? "text";
  if (format !== "text" && format !== "json")
    throw new UsageError(`enum value must be one of text,json, got '${format}'`);
  const server = serverUrl(address);
  const results: Backtest[] = [];
  let failed = false;
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const rule of alertsOf(text, file, given, environment)) {
      const answer = await ask(server, { rules: text, ...rule, start }, given);
      if (answer.data === undefined) {
        environment.err(`${file}: ${rule.alert}: ${answer.errorType ?? "error"}: ${answer.error ?? "no answer"}\n`);
        failed = true;
      } else if (format === "json") results.push(answer.data);
      else environment.out(textOf(answer.data));
    }
  }
  if (format === "json") environment.out(`${JSON.stringify(results)}\n`);
  return failed ? 1 : 0;
}

/** The alerting rules of a file, each by what names it; throws `UsageError` for files that do not load. */
function alertsOf(
  text: string,
  file: string,
  given: ParsedArguments,
  { err }: ToolEnvironment,
): { alert: string; group: string }[] {
  let groups: readonly RuleGroupSource[];
  try {
    groups = parseRuleFile(text, file, { parser: parserFeatures(enabledFeatures(given)) });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${referenceTexts(error).join("\n")}\n`);
    throw new UsageError(`${file} is no valid rule file`);
  }
  const wanted = given.value("alert");
  return groups.flatMap((group) =>
    group.rules
      .filter(({ kind, name }) => kind === "alert" && (wanted === undefined || name === wanted))
      .map(({ name }) => ({ alert: name, group: group.name })),
  );
}

async function ask(server: URL, parameters: Record<string, string>, given: ParsedArguments): Promise<Answer> {
  const form = new URLSearchParams(parameters);
  for (const name of ["end", "step", "limit"]) {
    const value = given.value(name);
    if (value !== undefined) form.set(name, value);
  }
  try {
    return JSON.parse(await post(server, "rules/backtest", form.toString(), FORM)) as Answer;
  } catch (error) {
    return { status: "error", error: (error as Error).message };
  }
}

function textOf({ rule, totals, firings, truncated }: Backtest): string {
  const held = rule.duration > 0 ? `, for ${formatDuration(rule.duration * 1000)}` : "";
  const lines = [
    `${rule.name} (${rule.query}${held})`,
    `  fired ${totals.firings} times, ${totals.alerts} different alerts, ${formatDuration(totals.firingSeconds * 1000)} in all`,
    `  was pending ${totals.pendingOnly} times without firing`,
  ];
  if (totals.failedEvaluations > 0) lines.push(`  failed ${totals.failedEvaluations} times: alerts with equal labels`);
  for (const { labels, value, firedAt, resolvedAt, seconds } of firings) {
    const end = resolvedAt === undefined ? "still firing" : formatDuration(seconds * 1000);
    lines.push(`  ${firedAt}  ${end}  ${Labels.fromObject(labels)} ${value}`);
  }
  if (truncated) lines.push("  … and more: see --limit");
  return `${lines.join("\n")}\n`;
}
