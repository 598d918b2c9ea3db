// The names that `--enable-feature` knows, and what the log says about each.

/** One feature name. */
export interface Feature {
  readonly name: string;
  /** Shown among the valid options by `--help`. */
  readonly listed: boolean;
  /** What the log says when it is on, in the reference's words. */
  readonly note: string;
  readonly level: "info" | "warn";
}

const NO_OP = "This option for --enable-feature is now permanently enabled and therefore a no-op.";
const PROTOBUF_FIRST =
  "OpenMetrics 1.0 parsing will parse <metric>_created metrics as ST instead of normal sample. Changed default scrape_protocols to prefer PrometheusProto format.";

function on(name: string, note: string): Feature {
  return { name, listed: true, note, level: "info" };
}

function phasedOut(name: string, note: string, listed: boolean): Feature {
  return { name, listed, note, level: "warn" };
}

/** All of them; those without effect as well, so that old command lines keep working. */
export const FEATURES: readonly Feature[] = [
  on("concurrent-rule-eval", "Experimental concurrent rule evaluation enabled."),
  on("created-timestamp-zero-ingestion", `Experimental start timestamp zero ingestion enabled. ${PROTOBUF_FIRST}`),
  on("delayed-compaction", "Experimental delayed compaction is enabled."),
  on("exemplar-storage", "Experimental in-memory exemplar storage enabled"),
  phasedOut(
    "extra-scrape-metrics",
    "This option for --enable-feature is being phased out. It currently changes the default for the extra_scrape_metrics config setting to true, but will become a no-op in a future version. Stop using this option and set extra_scrape_metrics in the config instead.",
    true,
  ),
  on("histograms-st-encoding", "Experimental ST-capable histogram chunk encoding enabled."),
  on("memory-snapshot-on-shutdown", "Experimental memory snapshot on shutdown enabled"),
  on("metadata-wal-records", "Experimental metadata records in WAL enabled"),
  on("old-ui", "Serving previous version of the Prometheus web UI."),
  on("otlp-deltatocumulative", "Converting delta OTLP metrics to cumulative"),
  on(
    "otlp-native-delta-ingestion",
    "Enabling native ingestion of delta OTLP metrics, storing the raw sample values without conversion. WARNING: Delta support is in an early stage of development. The ingestion and querying process is likely to change over time.",
  ),
  on("promql-binop-fill-modifiers", "Experimental PromQL binary operator fill modifiers enabled."),
  on("promql-delayed-name-removal", "Experimental PromQL delayed name removal enabled."),
  on("promql-experimental-functions", "Experimental PromQL functions enabled."),
  on("promql-extended-range-selectors", "Experimental PromQL extended range selectors enabled."),
  on("promql-per-step-stats", "Experimental per-step statistics reporting"),
  on("search-api", "Experimental search API enabled."),
  on("st-storage", `Experimental start timestamp storage enabled. ${PROTOBUF_FIRST}`),
  on("st-synthesis", "Experimental start timestamp synthesis enabled."),
  on("type-and-unit-labels", "Experimental type and unit labels enabled"),
  on("use-start-timestamps", "Experimental usage of start timestamps in PromQL engine is enabled."),
  on("use-uncached-io", "Experimental Uncached IO is enabled."),
  phasedOut(
    "xor2-encoding",
    "This option for --enable-feature is being phased out. It currently changes the default for the storage.tsdb.chunk_encoding.floats config setting to xor2, but will become a no-op in a future major version. Stop using this option and set storage.tsdb.chunk_encoding.floats in the config instead.",
    true,
  ),
  { name: "fast-startup", listed: false, note: "Experimental fast startup is enabled.", level: "info" },
  phasedOut(
    "auto-reload-config",
    "This option for --enable-feature is deprecated. Use --config.auto-reload instead.",
    false,
  ),
  phasedOut(
    "native-histograms",
    "This option for --enable-feature is a no-op. To scrape native histograms, set the scrape_native_histograms scrape config setting to true.",
    false,
  ),
  phasedOut("ooo-native-histograms", NO_OP, false),
  phasedOut("promql-duration-expr", NO_OP, false),
];

/** The names in comma lists, in order, each once; unknown ones apart. */
export function splitFeatures(lists: readonly string[]): { known: Feature[]; unknown: string[] } {
  const byName = new Map(FEATURES.map((feature) => [feature.name, feature]));
  const names = new Set(lists.flatMap((list) => list.split(",")).filter((name) => name !== ""));
  const known: Feature[] = [];
  const unknown: string[] = [];
  for (const name of names) {
    const feature = byName.get(name);
    if (feature === undefined) unknown.push(name);
    else known.push(feature);
  }
  return { known, unknown };
}
