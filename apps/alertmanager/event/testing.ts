// What tests of the recorder share: events of a known size, and what was counted.
import { Registry } from "@narthex/client";
import type { Attributes, Logger } from "@narthex/toolkit";
import { silentLogger } from "@narthex/toolkit";
import type { WebhookOutputConfig } from "../config/event-recorder.ts";
import { HandClock } from "../testing.ts";
import type { EncodedEvent } from "./event.ts";
import { EventMetrics } from "./event-metrics.ts";
import type { OutputEnvironment } from "./event-output.ts";

export class OutputRig implements OutputEnvironment {
  readonly clock: HandClock = new HandClock();
  readonly registry: Registry;
  readonly metrics: EventMetrics;
  /** Messages that were logged as errors. */
  readonly logged: string[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    error: (message: string, attributes?: Attributes) =>
      this.logged.push(
        [message, ...Object.entries(attributes ?? {}).map(([name, value]) => `${name}=${value}`)].join(" "),
      ),
  };

  constructor() {
    this.registry = new Registry();
    this.metrics = new EventMetrics(this.registry, () => 0);
  }

  /** Samples of the recorder's metrics that are not 0, without their common prefix. */
  counted(): Promise<string[]> {
    return countedIn(this.registry);
  }
}

export async function countedIn(registry: Registry): Promise<string[]> {
  const { body } = await registry.expose();
  return String(body)
    .split("\n")
    .filter((line) => line.startsWith("alertmanager_event") && !line.endsWith(" 0"))
    .map((line) => line.replace("alertmanager_", ""));
}

/** `n` in quotes, and blanks up to `bytes`. */
export function eventOf(n: number | string, bytes: number = 0): EncodedEvent {
  return { type: "alert_created", json: Buffer.from(JSON.stringify(String(n)).padEnd(bytes)) };
}

/** A webhook of which nothing is said but where it is. */
export const PLAIN: Omit<WebhookOutputConfig, "url"> = {
  httpConfig: undefined,
  timeout: 0,
  workers: 0,
  maxRetries: 0,
  retryBackoff: 0,
  batch: false,
  batchMaxEvents: 0,
  batchMaxBytes: 0,
  batchFlushInterval: 0,
};
