// Targets fetched as JSON from a URL.
import { ApiClient, refuseTooManyValues } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../build-info.ts";
import type { HttpDiscoveryConfig } from "../config/types.ts";
import type { Discoverer, DiscovererContext } from "./discoverer.ts";
import { parseGroups } from "./group-file.ts";
import { RefreshDiscoverer } from "./refresh-discoverer.ts";
import type { TargetGroup } from "./target-group.ts";

const JSON_TYPE = /^application\/json(;\s*charset=("utf-8"|utf-8))?$/i;

/** Asks its URL at every interval. */
export class HttpDiscoverer implements Discoverer {
  readonly #config: HttpDiscoveryConfig;
  readonly #context: DiscovererContext;
  readonly #url: string;
  readonly #client: ApiClient;
  readonly #refreshing: RefreshDiscoverer;

  constructor(config: HttpDiscoveryConfig, context: DiscovererContext) {
    this.#config = config;
    this.#context = context;
    this.#url = config.url.reveal();
    this.#client = new ApiClient(config.http);
    this.#refreshing = new RefreshDiscoverer("http", config.refreshIntervalMs, context, (signal) => this.#ask(signal));
  }

  start(emit: (groups: readonly TargetGroup[]) => void): void {
    this.#refreshing.start(emit);
  }

  stop(): void {
    this.#refreshing.stop();
    this.#client.close();
  }

  async #ask(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    try {
      return await this.#fetch(signal);
    } catch (error) {
      if (!signal.aborted) this.#context.metrics.httpFailures.inc();
      throw error;
    }
  }

  async #fetch(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    const { refreshIntervalMs } = this.#config;
    const { status, statusText, headers, text } = await this.#client.ask({
      url: new URL(this.#url),
      headers: {
        Accept: "application/json",
        "User-Agent": `Prometheus/${COMPATIBLE_VERSION}`,
        "X-Prometheus-Refresh-Interval-Seconds": String(refreshIntervalMs / 1000),
      },
      timeoutMs: refreshIntervalMs,
      signal,
    });
    if (status !== 200) throw new Error(`server returned HTTP status ${status} ${statusText}`.trimEnd());
    const type = (headers["content-type"] ?? "").trim();
    if (!JSON_TYPE.test(type)) throw new Error(`unsupported content type ${JSON.stringify(type)}`);
    // What is shown of the URL holds no password.
    const shown = this.#config.url.toString();
    refuseTooManyValues(text);
    return parseGroups(text, "json", shown, [["__meta_url", shown]]);
  }
}
