// What is told of alerts beyond the reference: what became of them, and what a rule would have made of past data.
import type { Labels, Matcher } from "@narthex/model";
import { ParseError, parseMetricSelector } from "@narthex/promql";
import { ConfigError } from "../../config/error.ts";
import type { QueryService } from "../../query/query-service.ts";
import { MAX_BACKTEST_STEPS } from "../../rules/backtest.ts";
import type { AlertHistory } from "../../rules/history/alert-history.ts";
import { HISTORY_STATES, type HistoryState } from "../../rules/history/history-record.ts";
import {
  type AlertingRuleSource,
  parseRuleFile,
  type RuleFileOptions,
  type RuleGroupSource,
} from "../../rules/rule-file.ts";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { exponentText } from "../json/exponent-text.ts";
import { MAX_TIME, MIN_TIME } from "../params.ts";
import { streamAnswer } from "./query-routes.ts";

/** Steps of alerts, or firings, that are told unless `limit` says otherwise; and at most. */
const DEFAULT_LIMIT = 1000;
const MAX_LIMIT = 10_000;

export interface AlertRoutesOptions {
  /** Undefined where none is kept. */
  readonly history: () => AlertHistory | undefined;
  readonly queries: () => QueryService;
  /** The groups in force, as their files give them. */
  readonly groups: () => readonly RuleGroupSource[];
  /** For groups without one, milliseconds. */
  readonly evaluationIntervalMs: () => number;
  readonly ruleOptions: () => RuleFileOptions;
  readonly externalLabels: () => Labels;
  readonly externalUrl: URL;
  readonly now: () => number;
}

export class AlertRoutes {
  readonly #options: AlertRoutesOptions;

  constructor(options: AlertRoutesOptions) {
    this.#options = options;
  }

  /** The steps of alerts, newest first: by matchers, states and time. */
  async history(call: Call): Promise<void> {
    const { params } = call;
    const history = this.#options.history();
    if (history === undefined)
      throw new ApiError(
        "not_found",
        "no history of alerts is kept: --narthex.alerts.history-retention is 0, or the log says why",
      );
    const { records, truncated } = await history.query({
      matcherSets: matchersOf(call),
      states: statesOf(call),
      minTime: params.time("start", MIN_TIME),
      maxTime: params.time("end", MAX_TIME),
      limit: limitOf(call),
    });
    call.json({
      transitions: records.map(({ t, state, labels, value, activeAt, group, file }) => ({
        time: new Date(t).toISOString(),
        state,
        labels: labels.toObject(),
        value: exponentText(value),
        activeAt: new Date(activeAt).toISOString(),
        group,
        file,
      })),
      truncated,
    });
  }

  /** When an alerting rule, one in force or one that is sent along, would have fired. */
  async backtest(call: Call): Promise<void> {
    const { params } = call;
    const { rule, intervalMs } = this.#ruleOf(call);
    const endMs = params.time("end", this.#options.now());
    const startMs = params.requiredTime("start");
    const stepMs = params.duration("step") ?? intervalMs;
    if (endMs < startMs) throw invalidParameter("end", "end timestamp must not be before start time");
    if (!(stepMs >= 1)) throw invalidParameter("step", "zero or negative steps are not accepted");
    if ((endMs - startMs) / stepMs > MAX_BACKTEST_STEPS)
      throw new ApiError(
        "bad_data",
        `more than ${MAX_BACKTEST_STEPS} evaluations: take a shorter time, or a longer step`,
      );
    const { externalUrl, externalLabels, queries } = this.#options;
    await streamAnswer(call, queries(), {
      kind: "backtest",
      expr: rule.query,
      rule: {
        name: rule.name,
        query: rule.query,
        forMs: rule.forMs,
        keepFiringForMs: rule.keepFiringForMs,
        labels: rule.labels.pairs,
        annotations: rule.annotations.pairs,
      },
      surroundings: {
        externalLabels: externalLabels().pairs,
        externalUrl: externalUrl.href.replace(/\/$/, ""),
        pathPrefix: externalUrl.pathname.replace(/\/$/, ""),
      },
      startMs,
      endMs,
      stepMs: Math.round(stepMs),
      limit: limitOf(call),
      timeoutMs: params.duration("timeout"),
      lookbackDeltaMs: undefined,
    });
  }

  #ruleOf(call: Call): { rule: AlertingRuleSource; intervalMs: number } {
    const { params } = call;
    const text = params.get("rules");
    const groups = text === "" ? this.#options.groups() : this.#parsed(text);
    const [name, groupName, file] = [params.get("alert"), params.get("group"), params.get("file")];
    const found = groups
      .filter((group) => (groupName === "" || group.name === groupName) && (file === "" || group.file === file))
      .flatMap((group) =>
        group.rules
          .filter((rule): rule is AlertingRuleSource => rule.kind === "alert" && (name === "" || rule.name === name))
          .map((rule) => ({ rule, group })),
      );
    const [first] = found;
    if (first === undefined) throw new ApiError("not_found", `no alerting rule ${JSON.stringify(name)} there`);
    if (
      found.length > 1 &&
      new Set(found.map(({ rule, group }) => `${group.file};${group.name};${rule.name}`)).size > 1
    ) {
      const names = found.slice(0, 10).map(({ rule, group }) => `${rule.name} in group ${group.name} of ${group.file}`);
      throw new ApiError("bad_data", `which one? Say so with alert, group and file: ${names.join(", ")}`);
    }
    return { rule: first.rule, intervalMs: first.group.intervalMs ?? this.#options.evaluationIntervalMs() };
  }

  #parsed(text: string): readonly RuleGroupSource[] {
    try {
      return parseRuleFile(text, "rules", this.#options.ruleOptions());
    } catch (error) {
      if (error instanceof ConfigError) throw invalidParameter("rules", error.message);
      throw error;
    }
  }
}

function matchersOf({ params }: Call): (readonly Matcher[])[] {
  try {
    return params.all("match[]").map((selector) => parseMetricSelector(selector));
  } catch (error) {
    if (error instanceof ParseError) throw invalidParameter("match[]", error.message);
    throw error;
  }
}

function statesOf({ params }: Call): ReadonlySet<HistoryState> {
  const states = params.all("state");
  for (const state of states) {
    if (!HISTORY_STATES.includes(state as HistoryState))
      throw invalidParameter(
        "state",
        `not supported value ${JSON.stringify(state)}, there are ${HISTORY_STATES.join(", ")}`,
      );
  }
  return new Set(states as HistoryState[]);
}

function limitOf({ params }: Call): number {
  const limit = params.limit();
  return limit === 0 ? DEFAULT_LIMIT : Math.min(limit, MAX_LIMIT);
}
