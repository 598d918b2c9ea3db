// What this server can do, as `/api/v1/features` tells clients, so that they need not guess it from the version.
import { FUNCTION_SIGNATURES } from "@narthex/promql";
import { DISCOVERER_FACTORIES } from "../../discovery/discoverer.ts";
import { isTemplateFunction } from "../../rules/template-functions.ts";

/** Category, name, and whether it is on. */
export type FeatureTable = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

export interface FeatureSources {
  /** Of `--enable-feature`, those that are on and exist. */
  readonly enabled: ReadonlySet<string>;
  readonly flags: {
    readonly adminApi: boolean;
    readonly lifecycle: boolean;
    readonly remoteWriteReceiver: boolean;
    readonly otlpReceiver: boolean;
    readonly autoReload: boolean;
  };
}

const OPERATORS = [
  ..."!= !~ % * + - / < </ <= == =~ > >/ >= @ ^ and atan2 avg bottomk count count_values group max min or quantile".split(
    " ",
  ),
  ..."stddev stdvar sum topk unless".split(" "),
];
const EXPERIMENTAL_OPERATORS = ["limitk", "limit_ratio"];
/** Words of the language that are neither operators nor functions. */
const MODIFIERS = "bool by group_left group_right ignoring offset on without".split(" ");
/** What the reference's templates can call besides the template language's own functions. */
const TEMPLATE_FUNCTIONS = [
  ..."args externalURL first graphLink humanize humanize1024 humanizeDuration humanizePercentage humanizeTimestamp".split(
    " ",
  ),
  ..."label match now parseDuration pathPrefix query reReplaceAll safeHtml sortByLabel stripDomain stripPort".split(
    " ",
  ),
  ..."strvalue tableLink title toDuration toLower toTime toUpper urlQueryEscape value".split(" "),
];

/** Builds the table anew: small, and asked for once per page load. Names are the reference's; ours stand under `narthex`. */
export function featureTable({ enabled, flags }: FeatureSources): FeatureTable {
  const has = (name: string): boolean => enabled.has(name);
  const experimental = has("promql-experimental-functions");
  const fill = has("promql-binop-fill-modifiers");
  const all = (names: Iterable<string>, on = true): [string, boolean][] => [...names].map((name) => [name, on]);
  return {
    api: {
      admin: flags.adminApi,
      exclude_alerts: true,
      label_values_match: true,
      lifecycle: flags.lifecycle,
      "openapi_3.1": true,
      "openapi_3.2": true,
      otlp_write_receiver: flags.otlpReceiver,
      query_stats: true,
      query_warnings: true,
      remote_write_receiver: flags.remoteWriteReceiver,
      rule_group_pagination: true,
      search: has("search-api"),
      time_range_labels: true,
      time_range_series: true,
    },
    narthex: { active_queries: true, csv_results: true, scrape_now: true },
    otlp_receiver: {
      delta_conversion: has("otlp-deltatocumulative"),
      native_delta_ingestion: has("otlp-native-delta-ingestion"),
    },
    prometheus: { agent_mode: false, auto_reload_config: flags.autoReload, server_mode: true, stringlabels: false },
    promql: {
      anchored: has("promql-extended-range-selectors"),
      at_modifier: true,
      ...Object.fromEntries(all(MODIFIERS)),
      delayed_name_removal: has("promql-delayed-name-removal"),
      duration_expr: true,
      fill,
      fill_left: fill,
      fill_right: fill,
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
    rules: { concurrent_rule_eval: has("concurrent-rule-eval"), keep_firing_for: true, query_offset: true },
    scrape: {
      extra_scrape_metrics: true,
      start_timestamp_zero_ingestion: has("created-timestamp-zero-ingestion"),
      type_and_unit_labels: has("type-and-unit-labels"),
    },
    service_discovery_providers: Object.fromEntries(all(Object.keys(DISCOVERER_FACTORIES).sort())),
    templating_functions: Object.fromEntries(TEMPLATE_FUNCTIONS.map((name) => [name, isTemplateFunction(name)])),
    tsdb: {
      delayed_compaction: has("delayed-compaction"),
      exemplar_storage: has("exemplar-storage"),
      histograms_st_encoding: has("histograms-st-encoding"),
      isolation: true,
      native_histograms: true,
      st_storage: has("st-storage"),
      use_uncached_io: has("use-uncached-io"),
      xor2_encoding: true,
    },
    ui: { ui_v2: false, ui_v3: true },
  };
}
