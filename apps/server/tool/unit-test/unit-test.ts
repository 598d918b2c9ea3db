// Runs one group of unit tests: evaluates the rules step by step over the given series and compares.
// Source: rules specification, "Rule unit tests"; the words of failures are the reference's.
import { Registry } from "@narthex/client";
import { formatDuration, histogramToTestExpression, Labels, quote } from "@narthex/model";
import {
  Engine,
  loadScript,
  ParseError,
  type ParserOptions,
  parseSeriesDescription,
  QueryError,
  ScriptError,
  type VectorElement,
} from "@narthex/promql";
import { goDuration, silentLogger } from "@narthex/toolkit";
import { AlertingRule } from "../../rules/alerting-rule.ts";
import { makeRuleGroup } from "../../rules/group-maker.ts";
import type { RuleGroupSource } from "../../rules/rule-file.ts";
import { type RuleGroup, WALL_CLOCK } from "../../rules/rule-group.ts";
import { RuleMetrics } from "../../rules/rule-metrics.ts";
import { alertDifference } from "./alert-difference.ts";
import { type AlertText, alertsText, compareAlerts, sameAlerts } from "./alert-text.ts";
import { type SampleText, sameSamples, samplesText } from "./sample-text.ts";
import { TestStorage } from "./test-storage.ts";
import type { AlertTest, ExprTest, TestGroup } from "./unit-test-file.ts";

/** Samples that one query may hold, as in the reference's runs. */
const MAX_SAMPLES = 10_000;
const QUERY_TIMEOUT_MS = 100_000;
/** More steps than this are refused: 60 years at one a minute would run for days. */
const MAX_STEPS = 10_000_000;

export interface UnitTestOptions {
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  readonly fuzzy: boolean;
  /** Alerts that differ are shown as a coloured difference. */
  readonly diff: boolean;
  readonly features: ParserOptions & { readonly delayedNameRemoval?: boolean };
  /** Takes the dump of all data at the end, if anybody wants it. */
  readonly debug?: (text: string) => void;
}

/** Runs the tests of a group with the rules given; resolves to what failed, in the reference's words. */
export async function runUnitTest(
  group: TestGroup,
  sources: readonly RuleGroupSource[],
  options: UnitTestOptions,
): Promise<string[]> {
  for (const { alertName, evalTimeMs } of group.alertTests) {
    if (alertName !== "") continue;
    const where = group.name === "" ? "" : ` (in TestGroup ${group.name})`;
    return [
      `an item under alert_rule_test misses required attribute alertname at eval_time ${formatDuration(evalTimeMs)}${where}`,
    ];
  }
  try {
    return await new UnitTest(group, sources, options).run();
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return [scriptFault(error)];
  }
}

class UnitTest {
  readonly #test: TestGroup;
  readonly #options: UnitTestOptions;
  readonly #storage: TestStorage;
  readonly #engine: Engine;
  readonly #groups: readonly RuleGroup[];
  readonly #faults: string[] = [];

  constructor(test: TestGroup, sources: readonly RuleGroupSource[], options: UnitTestOptions) {
    this.#test = test;
    this.#options = options;
    const lines = test.series.map(({ series, values }) => `  ${series} ${values}\n`);
    this.#storage = new TestStorage(
      loadScript(`load ${formatDuration(test.intervalMs)}\n${lines.join("")}`, test.startMs),
    );
    this.#engine = new Engine({
      ...options.features,
      maxSamples: MAX_SAMPLES,
      timeoutMs: QUERY_TIMEOUT_MS,
      defaultSubqueryStepMs: () => options.evaluationIntervalMs,
    });
    this.#groups = this.#makeGroups(sources);
  }

  async run(): Promise<string[]> {
    const { startMs } = this.#test;
    const { evaluationIntervalMs: stepMs } = this.#options;
    const spanMs = this.#lastTime();
    if (spanMs / stepMs > MAX_STEPS) return [`more than ${MAX_STEPS} evaluations`];
    const times = [...new Set(this.#test.alertTests.map(({ evalTimeMs }) => evalTimeMs))].sort((a, b) => a - b);
    for (let passedMs = 0; passedMs <= spanMs; passedMs += stepMs) {
      if (!(await this.#step(startMs + passedMs))) return this.#faults;
      while (times.length > 0 && (times[0] as number) < passedMs + stepMs) this.#compareAlerts(times.shift() as number);
    }
    for (const test of this.#test.exprTests) this.#compareSamples(test);
    if (this.#options.debug !== undefined) this.#dump(this.#options.debug, spanMs);
    return this.#faults;
  }

  #makeGroups(sources: readonly RuleGroupSource[]): readonly RuleGroup[] {
    const { externalUrl, externalLabels, intervalMs } = this.#test;
    const labels = Labels.fromUnsorted(externalLabels);
    const place = ({ name }: RuleGroupSource): number => Math.max(0, this.#options.groupOrder.indexOf(name));
    return [...sources]
      .sort((a, b) => place(a) - place(b))
      .map((source) => {
        const group = makeRuleGroup(source, {
          intervalMs,
          queryOffsetMs: 0,
          surroundings: { externalLabels: () => labels, externalUrl, pathPrefix: "" },
          environment: {
            appendable: this.#storage.written,
            evaluate: async (expr, t) => this.#ask(expr, t),
            clock: WALL_CLOCK,
            metrics: new RuleMetrics(new Registry()),
            logger: silentLogger,
            resendDelayMs: 0,
            restore: () => Promise.resolve(),
            send: () => {},
          },
        });
        for (const rule of group.rules) if (rule instanceof AlertingRule) rule.restored = true;
        return group;
      });
  }

  #lastTime(): number {
    const { alertTests, exprTests } = this.#test;
    return [...alertTests, ...exprTests].reduce((last, { evalTimeMs }) => Math.max(last, evalTimeMs), 0);
  }

  /** Evaluates all rules once; false when one failed, which ends the test. */
  async #step(t: number): Promise<boolean> {
    this.#storage.now = t;
    let sound = true;
    for (const group of this.#groups) {
      await group.evaluate(t);
      for (const { name, lastError } of group.rules) {
        if (lastError === "") continue;
        sound = false;
        this.#faults.push(`    rule: ${name}, time: ${goDuration(t)}, err: ${lastError}`);
      }
    }
    return sound;
  }

  #compareAlerts(evalTimeMs: number): void {
    for (const test of this.#test.alertTests) if (test.evalTimeMs === evalTimeMs) this.#compareAlert(test);
  }

  #compareAlert({ alertName, evalTimeMs, alerts }: AlertTest): void {
    const got: AlertText[] = this.#groups
      .flatMap(({ rules }) => rules)
      .filter((rule) => rule instanceof AlertingRule && rule.name === alertName)
      .flatMap((rule) => (rule as AlertingRule).activeAlerts)
      .filter(({ state }) => state === "firing")
      .map(({ labels, annotations }) => ({ labels, annotations }))
      .sort(compareAlerts);
    const wanted = alerts
      .map(({ labels, annotations }) => ({
        labels: Labels.fromUnsorted([...labels, ["alertname", alertName]]),
        annotations: Labels.fromUnsorted(annotations),
      }))
      .sort(compareAlerts);
    if (sameAlerts(wanted, got)) return;
    const name = this.#test.name === "" ? "" : `    name: ${this.#test.name},\n`;
    const head = `${name}    alertname: ${alertName}, time: ${formatDuration(evalTimeMs)}, \n`;
    this.#faults.push(
      this.#options.diff
        ? `${head}        diff: ${indented(alertDifference(wanted, got))}`
        : `${head}        exp:${indented(alertsText(wanted))}, \n        got:${indented(alertsText(got))}`,
    );
  }

  #compareSamples({ expr, evalTimeMs, samples }: ExprTest): void {
    const head = `    expr: ${quote(expr)}, time: ${formatDuration(evalTimeMs)},`;
    try {
      const got = this.#ask(expr, this.#test.startMs + evalTimeMs)
        .map(textOfElement)
        .sort(compareSamples);
      const wanted = samples.map(expectedSample).sort(compareSamples);
      if (sameSamples(wanted, got, this.#options.fuzzy)) return;
      this.#faults.push(`${head}\n        exp: ${samplesText(wanted)}\n        got: ${samplesText(got)}`);
    } catch (error) {
      if (!(error instanceof QueryError || error instanceof ExpectationError)) throw error;
      this.#faults.push(`${head} err: ${error.message}`);
    }
  }

  /** Throws a `QueryError`. */
  #ask(expr: string, t: number): readonly VectorElement[] {
    const { value } = this.#engine.instantQuery(this.#storage, expr, t);
    if (value.kind === "vector") return value.elements;
    if (value.kind === "scalar") return [{ labels: Labels.empty, value: value.value, histogram: undefined }];
    throw new QueryError("execution", "rule result is not a vector or scalar");
  }

  #dump(debug: (text: string) => void, spanMs: number): void {
    const wholeSeconds = Math.floor((spanMs + 1000) / 1000);
    const endMs = this.#test.startMs + wholeSeconds * 1000;
    debug(`DEBUG: Dump of all data (input_series and rules) at ${goDuration(wholeSeconds * 1000)}:\n`);
    const querier = this.#storage.querier(endMs - wholeSeconds * 1000, endMs);
    querier.close();
    const { value } = this.#engine.instantQuery(this.#storage, `{__name__=~".+"}[${wholeSeconds}s]`, endMs);
    if (value.kind !== "matrix") return;
    const texts = value.series.map(({ labels, values, times, histograms }) => {
      const points = [...values].map((value, i) => {
        const histogram = histograms?.[i];
        const text = histogram === undefined ? numberText(value) : histogramToTestExpression(histogram);
        return `${text} @[${times?.[i] ?? 0}]`;
      });
      return `${labels.toSelector()} =>\n${points.join("\n")}`;
    });
    debug(`${texts.join("\n")}\n`);
  }
}

/** What a test expects cannot be read. */
class ExpectationError extends Error {}

function expectedSample({ labels: text, value, histogram }: ExprTest["samples"][number]): SampleText {
  const read = <T>(run: () => T): T => {
    try {
      return run();
    } catch (error) {
      throw new ExpectationError(`labels ${quote(text)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const labels = read(() => parseSeriesDescription(text).labels);
  if (histogram === "") return { labels, value, histogram: "" };
  return read(() => {
    const { values } = parseSeriesDescription(`{} ${histogram}`);
    const [first] = values;
    if (values.length !== 1) throw new Error(`expected 1 value, got ${values.length}`);
    if (first?.kind !== "histogram")
      throw new Error(`expected histogram, got ${first?.kind === "float" ? first.value.toFixed(6) : "_"}`);
    return { labels, value: 0, histogram: histogramToTestExpression(first.histogram) };
  });
}

function textOfElement({ labels, value, histogram }: VectorElement): SampleText {
  return histogram === undefined
    ? { labels, value, histogram: "" }
    : { labels, value: 0, histogram: histogramToTestExpression(histogram) };
}

function compareSamples(a: SampleText, b: SampleText): number {
  return Labels.compare(a.labels, b.labels);
}

/** The place within the script of all series, as the reference tells it. */
function scriptFault(error: ScriptError): string {
  const { cause, line } = error;
  return cause instanceof ParseError ? cause.message.replace(/^\d+:/, `${line}:`) : error.message;
}

/** Every line but the first moved to the right. */
function indented(text: string): string {
  return text.replaceAll("\n", `\n${" ".repeat(12)}`);
}

function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
