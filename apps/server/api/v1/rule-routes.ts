// Rules and alerts as they stand.
import { createHash } from "node:crypto";
import type { Matcher } from "@narthex/model";
import { ParseError, parseMetricSelector } from "@narthex/promql";
import type { Alert } from "../../rules/alert.ts";
import { AlertingRule } from "../../rules/alerting-rule.ts";
import type { Rule } from "../../rules/rule.ts";
import type { RuleGroup } from "../../rules/rule-group.ts";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { exponentText } from "../json/exponent-text.ts";

const NEVER = "0001-01-01T00:00:00Z";
const FALSE_WORDS = ["", "0", "f", "F", "false", "FALSE", "False"];
const TRUE_WORDS = ["1", "t", "T", "true", "TRUE", "True"];

interface Filter {
  readonly types: ReadonlySet<"alert" | "record">;
  readonly names: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
  /** A rule passes when one of the sets matches its labels. */
  readonly matcherSets: readonly (readonly Matcher[])[];
}

/** Who knows the Alertmanagers, by their URLs. */
export interface AlertmanagerSource {
  readonly active: readonly string[];
  readonly dropped: readonly string[];
}

export class RuleRoutes {
  readonly #groups: () => readonly RuleGroup[];
  readonly #notifier: () => AlertmanagerSource;

  constructor(groups: () => readonly RuleGroup[], notifier: () => AlertmanagerSource) {
    this.#groups = groups;
    this.#notifier = notifier;
  }

  /** The Alertmanagers that alerts are sent to, and those that relabeling took away. */
  alertmanagers(call: Call): void {
    const { active, dropped } = this.#notifier();
    const urls = (list: readonly string[]): object[] => list.map((url) => ({ url }));
    call.json({ activeAlertmanagers: urls(active), droppedAlertmanagers: urls(dropped) });
  }

  rules(call: Call): void {
    const filter = filterOf(call);
    const excludeAlerts = booleanParameter(call, "exclude_alerts");
    const { limit, token } = page(call);
    const groups: object[] = [];
    let nextToken: string | undefined;
    let skipping = token !== "";
    for (const group of this.#groups()) {
      if (skipping && tokenOf(group) !== token) continue;
      skipping = false;
      if (filter.groups.size > 0 && !filter.groups.has(group.config.name)) continue;
      if (filter.files.size > 0 && !filter.files.has(group.config.file)) continue;
      const rules = group.rules.filter((rule) => passes(rule, filter));
      if (rules.length === 0) continue;
      if (limit > 0 && groups.length === limit) {
        nextToken = tokenOf(group);
        break;
      }
      groups.push(groupJson(group, rules, excludeAlerts));
    }
    if (skipping)
      throw invalidParameter("group_next_token", `invalid group_next_token '${token}'. were rule groups changed?`);
    call.json({ groups, ...(nextToken === undefined ? {} : { groupNextToken: nextToken }) });
  }

  alerts(call: Call): void {
    const alerts = this.#groups().flatMap(({ rules }) =>
      rules.flatMap((rule) => (rule instanceof AlertingRule ? rule.activeAlerts.map(alertJson) : [])),
    );
    call.json({ alerts });
  }
}

function filterOf(call: Call): Filter {
  const { params } = call;
  let matcherSets: (readonly Matcher[])[];
  try {
    matcherSets = params.all("match[]").map((selector) => parseMetricSelector(selector));
    if (matcherSets.some((matchers) => matchers.every(({ matchesEmpty }) => matchesEmpty)))
      throw new ApiError("bad_data", "match[] must contain at least one non-empty matcher");
  } catch (error) {
    if (error instanceof ParseError) throw new ApiError("bad_data", error.message);
    throw error;
  }
  const type = params.get("type").toLowerCase();
  if (type !== "" && type !== "alert" && type !== "record")
    throw invalidParameter("type", `not supported value ${JSON.stringify(type)}`);
  return {
    types: new Set(type === "" ? ["alert", "record"] : [type]),
    names: new Set(params.all("rule_name[]")),
    groups: new Set(params.all("rule_group[]")),
    files: new Set(params.all("file[]")),
    matcherSets,
  };
}

function passes(rule: Rule, { types, names, matcherSets }: Filter): boolean {
  if (!types.has(rule instanceof AlertingRule ? "alert" : "record")) return false;
  if (names.size > 0 && !names.has(rule.name)) return false;
  return (
    matcherSets.length === 0 ||
    matcherSets.some((matchers) => matchers.every((matcher) => matcher.matches(rule.labels.get(matcher.name))))
  );
}

function page({ params }: Call): { limit: number; token: string } {
  const text = params.get("group_limit");
  const token = params.get("group_next_token");
  if (text === "") {
    if (token !== "")
      throw invalidParameter(
        "group_next_token",
        "group_limit needs to be present in order to paginate over the groups",
      );
    return { limit: 0, token };
  }
  if (!/^[+-]?\d+$/.test(text))
    throw invalidParameter(
      "group_limit",
      `group_limit needs to be a valid number: strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`,
    );
  if (Number(text) <= 0) throw invalidParameter("group_limit", "group_limit needs to be greater than 0");
  return { limit: Number(text), token };
}

function booleanParameter({ params }: Call, name: string): boolean {
  const text = params.get(name);
  if (TRUE_WORDS.includes(text)) return true;
  if (FALSE_WORDS.includes(text)) return false;
  throw new ApiError(
    "bad_data",
    `invalid parameter ${JSON.stringify(name)}: error converting ${name}: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
  );
}

/** Where a page begins: a name for the group that gives nothing away and stays the same while the groups do. */
function tokenOf(group: RuleGroup): string {
  return createHash("sha1").update(`${group.config.file};${group.config.name}`).digest("hex");
}

function groupJson(group: RuleGroup, rules: readonly Rule[], excludeAlerts: boolean): object {
  const { name, file, intervalMs, limit } = group.config;
  return {
    name,
    file,
    rules: rules.map((rule) => ruleJson(rule, excludeAlerts)),
    interval: intervalMs / 1000,
    limit,
    evaluationTime: group.evaluationSeconds,
    lastEvaluation: timeJson(group.lastEvaluation),
  };
}

function ruleJson(rule: Rule, excludeAlerts: boolean): object {
  const outcome = {
    health: rule.health,
    ...(rule.lastError === "" ? {} : { lastError: rule.lastError }),
    evaluationTime: rule.evaluationSeconds,
    lastEvaluation: timeJson(rule.lastEvaluation),
  };
  if (rule instanceof AlertingRule) {
    return {
      state: rule.state,
      name: rule.name,
      query: rule.query,
      duration: rule.forMs / 1000,
      keepFiringFor: rule.keepFiringForMs / 1000,
      labels: rule.labels.toObject(),
      annotations: rule.annotations.toObject(),
      alerts: excludeAlerts ? null : rule.activeAlerts.map(alertJson),
      ...outcome,
      type: "alerting",
    };
  }
  const labels = rule.labels.size === 0 ? {} : { labels: rule.labels.toObject() };
  return { name: rule.name, query: rule.query, ...labels, ...outcome, type: "recording" };
}

function alertJson(alert: Alert): object {
  return {
    labels: alert.labels.toObject(),
    annotations: alert.annotations.toObject(),
    state: alert.state,
    activeAt: timeJson(alert.activeAt),
    ...(alert.keepFiringSince === 0 ? {} : { keepFiringSince: timeJson(alert.keepFiringSince) }),
    value: exponentText(alert.value),
  };
}

function timeJson(t: number): string {
  return t === 0 ? NEVER : new Date(t).toISOString();
}
