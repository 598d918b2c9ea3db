// Targets fetched as JSON from a URL.
import { COMPATIBLE_VERSION } from "../build-info.ts";
import type { HttpDiscoveryConfig } from "../config/types.ts";
import { BufferPool } from "../scrape/buffer-pool.ts";
import { HttpClient } from "../scrape/http-client.ts";
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
  readonly #client: HttpClient;
  readonly #refreshing: RefreshDiscoverer;

  constructor(config: HttpDiscoveryConfig, context: DiscovererContext) {
    this.#config = config;
    this.#context = context;
    this.#url = config.url.reveal();
    this.#client = new HttpClient(config.http, new BufferPool(1 << 20));
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
    const body = await this.#client.fetch({
      url: new URL(this.#url),
      headers: {
        Accept: "application/json",
        "User-Agent": `Prometheus/${COMPATIBLE_VERSION}`,
        "X-Prometheus-Refresh-Interval-Seconds": String(refreshIntervalMs / 1000),
      },
      timeoutMs: refreshIntervalMs,
      bodyLimitBytes: 0,
      unixSocket: "",
      signal,
    });
    try {
      const type = body.contentType.trim();
      if (!JSON_TYPE.test(type)) throw new Error(`unsupported content type ${JSON.stringify(type)}`);
      const text = Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.length).toString("utf8");
      // What is shown of the URL holds no password.
      const shown = this.#config.url.toString();
      return parseGroups(text, "json", shown, [["__meta_url", shown]]);
    } finally {
      body.release();
    }
  }
}
