// Alerts that wait for one Alertmanager, and their way there, batch by batch.
import type { Logger } from "@narthex/toolkit";
import type { Span, Tracer } from "@narthex/tracing";
import type { RemoteClient } from "../remote/remote-client.ts";
import type { ManagerMetrics } from "./notifier-metrics.ts";
import { encodeAlerts, type OutgoingAlert } from "./outgoing-alert.ts";

export interface AlertQueueOptions {
  /** Posts to the Alertmanager; the queue closes it in the end. */
  readonly client: Pick<RemoteClient, "post" | "close">;
  /** Traces requests; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
  /** Of the Alertmanager, for traces. */
  readonly url?: string;
  readonly timeoutMs: number;
  /** Alerts that may wait. */
  readonly capacity: number;
  /** Alerts of one request at most. */
  readonly batchSize: number;
  readonly userAgent: string;
  readonly metrics: ManagerMetrics;
  readonly logger: Logger;
}

/**
 * Sends in the order in which alerts came. Nothing is tried twice: rules send their alerts again anyway. When too many wait the
 * oldest are dropped, since the newest say what is true now.
 */
export class AlertQueue {
  readonly #options: AlertQueueOptions;
  readonly #aborting = new AbortController();
  #waiting: OutgoingAlert[] = [];
  #sending: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: AlertQueueOptions) {
    this.#options = options;
  }

  add(alerts: readonly OutgoingAlert[]): void {
    if (this.#isStopped) return;
    const { capacity, metrics, logger } = this.#options;
    const tooMany = alerts.length - capacity;
    if (tooMany > 0) {
      logger.warn("Alert batch larger than queue capacity, dropping alerts", { count: tooMany });
      metrics.dropped.inc(tooMany);
    }
    const taken = tooMany > 0 ? alerts.slice(tooMany) : alerts;
    const oldest = this.#waiting.length + taken.length - capacity;
    if (oldest > 0) {
      logger.warn("Alert notification queue full, dropping alerts", { count: oldest });
      metrics.dropped.inc(oldest);
      this.#waiting.splice(0, oldest);
    }
    this.#waiting.push(...taken);
    metrics.queueLength.set(this.#waiting.length);
    this.#sending ??= this.#send();
  }

  /** Takes nothing more. With `drain` what waits is still sent, otherwise it is dropped. Resolves when all is over. */
  async stop(drain: boolean): Promise<void> {
    this.#isStopped = true;
    const { metrics, logger, client } = this.#options;
    if (!drain) {
      const count = this.#waiting.length;
      if (count > 0) logger.warn("Alert notification queue not drained on shutdown, dropping alerts", { count });
      metrics.dropped.inc(count);
      this.#waiting = [];
      this.#aborting.abort();
    }
    await this.#sending;
    client.close();
    metrics.remove();
  }

  async #send(): Promise<void> {
    const { batchSize, metrics } = this.#options;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, batchSize);
      metrics.queueLength.set(this.#waiting.length);
      await this.#sendBatch(batch);
    }
    this.#sending = undefined;
  }

  async #sendBatch(batch: readonly OutgoingAlert[]): Promise<void> {
    const { metrics, logger } = this.#options;
    const count = batch.length;
    const begun = performance.now();
    const span = this.#startSpan(count);
    try {
      await this.#post(encodeAlerts(batch), span);
      metrics.observe((performance.now() - begun) / 1000);
      metrics.sent.inc(count);
    } catch (error) {
      span?.fail(error);
      logger.error("Error sending alerts", { count, err: error as Error });
      metrics.errors.inc(count);
      metrics.dropped.inc(count);
    }
    span?.end();
  }

  /** The name is that of the reference's HTTP client. */
  #startSpan(count: number): Span | undefined {
    const { tracer, url = "" } = this.#options;
    if (tracer?.isOn !== true) return undefined;
    const attributes = { "http.request.method": "POST", "url.full": url, alerts: count };
    return tracer.start("HTTP POST", { kind: "client", attributes });
  }

  async #post(body: Uint8Array, span: Span | undefined): Promise<void> {
    const { client, timeoutMs, userAgent } = this.#options;
    const headers = { "Content-Type": "application/json", "User-Agent": userAgent };
    span?.tell(headers);
    const response = await client.post(body, headers, timeoutMs, this.#aborting.signal);
    try {
      // Read to its end, so that the connection can be used again.
      await response.readStart(0);
      span?.set("http.response.status_code", response.status);
      if (!response.isGood) throw new Error(`bad response status ${response.statusText}`);
    } finally {
      response.end();
    }
  }
}
