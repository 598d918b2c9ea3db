// What operators need beyond the reference: which queries run and how to end one, and what a target says right now.
import type { Labels } from "@narthex/model";
import type { ScrapeConfig } from "../../config/types.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { RunningQuery } from "../../query/running-queries.ts";
import type { Call } from "../../web/call.ts";
import { requireOperator } from "../../web/operator-access.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { scrapePage } from "../page/scrape-page.ts";

/** Samples of a page that are answered unless `limit` says fewer. */
const MAX_PAGE_SAMPLES = 10_000;

/** Pages that are fetched at once. */
const MAX_PAGES_AT_ONCE = 4;

/** Where targets and their configuration come from. */
export interface ScrapedTargets {
  activeTargets(): readonly { readonly scrapePool: string; readonly scrapeUrl: string; readonly labels: Labels }[];
  poolConfig(name: string): ScrapeConfig | undefined;
}

export interface OperatorRoutesOptions {
  readonly queries: () => QueryService;
  readonly targets: () => ScrapedTargets;
  readonly now: () => number;
  /** Whether `--web.enable-admin-api` is set: then everybody is an operator. */
  readonly adminApi: boolean;
}

export class OperatorRoutes {
  readonly #options: OperatorRoutesOptions;
  #pages = 0;

  constructor(options: OperatorRoutesOptions) {
    this.#options = options;
  }

  /** All queries that run or wait, rules' as well, oldest first. */
  activeQueries(call: Call): void {
    requireOperator(call.request, this.#options.adminApi);
    const now = this.#options.now();
    call.json({ queries: this.#options.queries().running.list.map((query) => queryJson(query, now)) });
  }

  /** Ends the query that `id` names; who asked for it is told that it was canceled. */
  killQuery(call: Call): void {
    requireOperator(call.request, this.#options.adminApi);
    const text = call.params.get("id");
    if (!/^\d{1,15}$/.test(text)) throw invalidParameter("id", "a query's number is needed, as the list shows it");
    if (!this.#options.queries().running.kill(Number(text)))
      throw new ApiError("not_found", `no query of number ${text} is running`);
    call.noContent();
  }

  /**
   * Scrapes one active target now, by its pool and URL, and answers the parsed page with all its mistakes. Nothing is
   * stored, and no URL is fetched but that of a target.
   */
  async scrapeNow(call: Call): Promise<void> {
    requireOperator(call.request, this.#options.adminApi);
    const { params, signal } = call;
    const pool = params.get("scrapePool");
    const url = params.get("scrapeUrl");
    const limit = params.limit() || MAX_PAGE_SAMPLES;
    const targets = this.#options.targets();
    const target = targets.activeTargets().find((each) => each.scrapePool === pool && each.scrapeUrl === url);
    const config = targets.poolConfig(pool);
    if (target === undefined || config === undefined)
      throw new ApiError("not_found", `no active target ${JSON.stringify(url)} in scrape pool ${JSON.stringify(pool)}`);
    if (this.#pages >= MAX_PAGES_AT_ONCE) {
      throw new ApiError("overloaded", `${MAX_PAGES_AT_ONCE} pages are being fetched already: try again later`);
    }
    this.#pages++;
    try {
      const page = await scrapePage(new URL(target.scrapeUrl), config, Math.min(limit, MAX_PAGE_SAMPLES), signal);
      call.json({ scrapePool: pool, scrapeUrl: url, labels: target.labels.toObject(), ...page });
    } finally {
      this.#pages--;
    }
  }
}

function queryJson({ id, expr, startMs, endMs, stepMs, begunMs, state, origin }: RunningQuery, now: number): object {
  return {
    id,
    query: expr,
    start: startMs / 1000,
    end: endMs / 1000,
    step: stepMs / 1000,
    state,
    startedAt: new Date(begunMs).toISOString(),
    durationSeconds: Math.max(0, now - begunMs) / 1000,
    ...(origin === undefined ? {} : { origin }),
  };
}
