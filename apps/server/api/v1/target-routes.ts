// What is scraped, how it goes, and what the targets say about their metrics.
import type { Metadata } from "@narthex/model";
import { ParseError, parseMetricSelector } from "@narthex/promql";
import { emitYaml } from "@narthex/toolkit";
import { scrapeConfig } from "../../config/schema/scrape.ts";
import type { ScrapeConfig } from "../../config/types.ts";
import type { ActiveTarget, DroppedTarget } from "../../scrape/index.ts";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { labelsFromJson, relabelSteps } from "./relabel-steps.ts";

export interface TargetSource {
  /** Names of all pools, sorted. */
  pools(): readonly string[];
  activeTargets(): readonly ActiveTarget[];
  droppedTargets(): readonly DroppedTarget[];
  /** The configuration a pool runs with. */
  poolConfig(name: string): ScrapeConfig | undefined;
  /** How many targets relabeling dropped, by pool, also those that are not kept for display. */
  droppedTargetCounts(): Readonly<Record<string, number>>;
}

const NEVER = "0001-01-01T00:00:00Z";
const LOCAL_HOSTS = new Set(["localhost", "127.0.0.1", "[::1]"]);

export class TargetRoutes {
  readonly #source: () => TargetSource;
  readonly #externalUrl: URL;
  readonly #listenPort: () => string;

  constructor(source: () => TargetSource, externalUrl: URL, listenPort: () => string) {
    this.#source = source;
    this.#externalUrl = externalUrl;
    this.#listenPort = listenPort;
  }

  list(call: Call): void {
    const { params } = call;
    const state = params.get("state").toLowerCase();
    const pool = params.get("scrapePool");
    const inPool = ({ scrapePool }: { scrapePool: string }): boolean => pool === "" || scrapePool === pool;
    const source = this.#source();
    const showActive = state === "" || state === "any" || state === "active";
    const showDropped = state === "" || state === "any" || state === "dropped";
    call.json({
      activeTargets: showActive
        ? source
            .activeTargets()
            .filter(inPool)
            .map((target) => this.#active(target))
        : [],
      droppedTargets: showDropped
        ? source
            .droppedTargets()
            .filter(inPool)
            .map(({ discoveredLabels, scrapePool }) => ({ discoveredLabels: discoveredLabels.toObject(), scrapePool }))
        : [],
      droppedTargetCounts: showDropped ? source.droppedTargetCounts() : null,
    });
  }

  scrapePools(call: Call): void {
    call.json({ scrapePools: this.#source().pools() });
  }

  /** One pool's configuration, all defaults filled in and secrets masked. */
  poolConfig(call: Call): void {
    call.json({ yaml: emitYaml(scrapeConfig.encode(this.#configOf(call) as never)) });
  }

  /** What each relabeling rule of a pool makes of the given labels. */
  relabelSteps(call: Call): void {
    const config = this.#configOf(call);
    call.json({ steps: relabelSteps(config.relabelConfigs, labelsFromJson(call.params.get("labels"))) });
  }

  #configOf({ params }: Call): ScrapeConfig {
    const pool = params.get("scrapePool");
    if (pool === "") throw new ApiError("bad_data", "no scrapePool parameter provided");
    const config = this.#source().poolConfig(pool);
    if (config === undefined)
      throw new ApiError("bad_data", `error retrieving scrape config: scrape pool not found: ${pool}`);
    return config;
  }

  /** Metadata by metric name, merged over all targets. */
  metadata(call: Call): void {
    const limit = countParameter(call, "limit");
    const limitPerMetric = countParameter(call, "limit_per_metric");
    const metric = call.params.get("metric");
    const byMetric = new Map<string, Map<string, Metadata>>();
    for (const target of this.#source().activeTargets()) {
      for (const [family, metadata] of target.metadata()) {
        if (metric !== "" && family !== metric) continue;
        let entries = byMetric.get(family);
        if (entries === undefined) {
          if (limit >= 0 && byMetric.size >= limit) continue;
          entries = new Map();
          byMetric.set(family, entries);
        }
        const key = JSON.stringify([metadata.type, metadata.help, metadata.unit]);
        if (limitPerMetric <= 0 || entries.size < limitPerMetric || entries.has(key)) entries.set(key, metadata);
      }
    }
    call.json(
      Object.fromEntries(
        [...byMetric].map(([family, entries]) => [
          family,
          [...entries.values()].map(({ type, help, unit }) => ({ type, unit, help })),
        ]),
      ),
    );
  }

  metadataByTarget(call: Call): void {
    const limit = countParameter(call, "limit");
    const { params } = call;
    const matchers = selected(params.get("match_target"));
    const metric = params.get("metric");
    const found: object[] = [];
    for (const target of this.#source().activeTargets()) {
      if (!matchers.every((matcher) => matcher.matches(target.labels.get(matcher.name)))) continue;
      // The limit is one of targets begun, as in the reference: what one of them says is never cut.
      if (limit >= 0 && found.length >= limit) break;
      for (const [family, { type, help, unit }] of target.metadata()) {
        if (metric !== "" && family !== metric) continue;
        found.push({
          target: target.labels.toObject(),
          ...(metric === "" ? { metric: family } : {}),
          type,
          help,
          unit,
        });
      }
    }
    call.json(found);
  }

  #active(target: ActiveTarget): object {
    return {
      discoveredLabels: target.discoveredLabels.toObject(),
      labels: target.labels.toObject(),
      scrapePool: target.scrapePool,
      scrapeUrl: target.scrapeUrl,
      globalUrl: this.#globalUrl(target.scrapeUrl),
      lastError: target.lastError,
      lastScrape: target.lastScrape === undefined ? NEVER : new Date(target.lastScrape).toISOString(),
      lastScrapeDuration: target.lastScrapeDurationSeconds,
      health: target.health,
      scrapeInterval: target.scrapeInterval,
      scrapeTimeout: target.scrapeTimeout,
      // Ours: only where there is something to say, so that all else is the reference's answer.
      ...(target.refusedSeries > 0 ? { refusedSeries: target.refusedSeries } : {}),
    };
  }

  /** The URL under which somebody elsewhere reaches the target: this host's outside name for a local address. */
  #globalUrl(scrapeUrl: string): string {
    const url = URL.parse?.(scrapeUrl) ?? (URL.canParse(scrapeUrl) ? new URL(scrapeUrl) : null);
    if (url === null || !LOCAL_HOSTS.has(url.hostname)) return scrapeUrl;
    const port = url.port === this.#listenPort() ? this.#externalUrl.port : url.port;
    const { pathname, search, protocol } = url;
    const scheme = url.port === this.#listenPort() ? this.#externalUrl.protocol : protocol;
    return `${scheme}//${this.#externalUrl.hostname}${port === "" ? "" : `:${port}`}${pathname}${search}`;
  }
}

function selected(text: string): ReturnType<typeof parseMetricSelector> {
  if (text === "") return [];
  try {
    return parseMetricSelector(text);
  } catch (error) {
    if (error instanceof ParseError) throw invalidParameter("match_target", error.message);
    throw error;
  }
}

/** -1 where absent: then there is no limit. */
function countParameter(call: Call, name: string): number {
  const text = call.params.get(name);
  if (text === "") return -1;
  if (!/^[+-]?\d+$/.test(text)) throw new ApiError("bad_data", `${name} must be a number`);
  return Number(text);
}
