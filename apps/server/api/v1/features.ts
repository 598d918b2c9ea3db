// What this server can do, as `/api/v1/features` tells clients, so that they need not guess it from the version.
import { FUNCTION_SIGNATURES } from "@narthex/promql";

/** Category, name, and whether it is on. */
export type FeatureTable = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

export interface FeatureSources {
  /** Of `--enable-feature`, those that are on and exist. */
  readonly enabled: ReadonlySet<string>;
  readonly flags: {
    readonly adminApi: boolean;
    readonly lifecycle: boolean;
    readonly remoteWriteReceiver: boolean;
    readonly autoReload: boolean;
  };
}

const OPERATORS = [
  ..."+ - * / % ^ == != > < >= <= =~ !~ and or unless atan2 @ offset by without on ignoring group_left group_right".split(
    " ",
  ),
  ..."bool sum avg min max group count stddev stdvar topk bottomk quantile count_values".split(" "),
];
const EXPERIMENTAL_OPERATORS = ["limitk", "limit_ratio"];
const MECHANISMS = ["file", "static"];

/** Builds the table anew: small, and asked for once per page load. */
export function featureTable({ enabled, flags }: FeatureSources): FeatureTable {
  const has = (name: string): boolean => enabled.has(name);
  const experimental = has("promql-experimental-functions");
  const all = (names: readonly string[], on = true): [string, boolean][] => names.map((name) => [name, on]);
  return {
    api: {
      admin: flags.adminApi,
      exclude_alerts: true,
      label_values_match: true,
      lifecycle: flags.lifecycle,
      openapi_3_1: true,
      openapi_3_2: true,
      query_stats: true,
      query_warnings: true,
      remote_write_receiver: flags.remoteWriteReceiver,
      rule_group_pagination: true,
      time_range_labels: true,
      time_range_series: true,
    },
    narthex: { active_queries: true, csv_results: true, scrape_now: true },
    prometheus: { agent_mode: false, auto_reload_config: flags.autoReload, stringlabels: false },
    promql: {
      anchored: has("promql-extended-range-selectors"),
      at_modifier: true,
      delayed_name_removal: has("promql-delayed-name-removal"),
      duration_expr: true,
      fill: has("promql-binop-fill-modifiers"),
      negative_offset: true,
      per_query_lookback_delta: true,
      per_step_stats: has("promql-per-step-stats"),
      smoothed: has("promql-extended-range-selectors"),
      subqueries: true,
      type_and_unit_labels: has("type-and-unit-labels"),
    },
    promql_functions: Object.fromEntries(
      [...FUNCTION_SIGNATURES.values()].map((signature) => [signature.name, !signature.experimental || experimental]),
    ),
    promql_operators: Object.fromEntries([...all(OPERATORS), ...all(EXPERIMENTAL_OPERATORS, experimental)]),
    rules: { keep_firing_for: true, query_offset: true, rule_group_labels: true, rule_group_limit: true },
    service_discovery_providers: Object.fromEntries(all(MECHANISMS)),
    tsdb: {
      histograms_st_encoding: has("histograms-st-encoding"),
      st_storage: has("st-storage"),
      xor2_encoding: true,
    },
  };
}
