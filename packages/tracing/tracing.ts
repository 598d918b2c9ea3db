// Tracing of one program: its tracer, and the exporter that the configuration in force asks for.
import { type Logger, NARTHEX_VERSION } from "@narthex/toolkit";
import { type Clock, systemClock } from "./clock.ts";
import { configKey, namesFiles, type TracingConfig } from "./config.ts";
import type { TraceResource } from "./export-request.ts";
import { GrpcExporter } from "./grpc-exporter.ts";
import { HttpExporter } from "./http-exporter.ts";
import { type OnOutcome, SpanBatcher } from "./span-batcher.ts";
import { Tracer } from "./tracer.ts";

/** What waits when an exporter ends is sent for so long. Source: the reference. */
export const STOP_TIMEOUT_MS = 5000;

export interface TracingOptions {
  /** `service.name`, as `prometheus`. */
  readonly service: string;
  /** `service.version`. */
  readonly version: string;
  /** Standard: the machine's. Its timers must keep the process alive, so that a stop comes to its end. */
  readonly clock?: Clock;
  readonly logger: Logger;
  /** Told of all that happens to spans, over all configurations. */
  readonly onOutcome?: OnOutcome;
}

export class Tracing {
  readonly tracer: Tracer = new Tracer();
  readonly #options: TracingOptions;
  #running: { readonly key: string; readonly batcher: SpanBatcher } | undefined;
  /** Exporters that were replaced and still send. */
  readonly #ending = new Set<Promise<void>>();

  constructor(options: TracingOptions) {
    this.#options = options;
  }

  /**
   * Puts a configuration in force; undefined switches tracing off. The exporter stays when nothing changed and no files are named.
   * Throws, and leaves what ran, when the new one cannot be used.
   */
  apply(config: TracingConfig | undefined): void {
    const { logger, service, onOutcome, clock = systemClock } = this.#options;
    const key = config === undefined ? undefined : configKey(config);
    if (key === this.#running?.key && (config === undefined || !namesFiles(config))) return;
    if (config === undefined) {
      this.#replace(undefined, 0);
      logger.info("Tracing is off");
      return;
    }
    const options = { config, userAgent: `Narthex-OTLP/${NARTHEX_VERSION} (${service})` };
    const exporter = config.clientType === "http" ? new HttpExporter(options) : new GrpcExporter(options);
    const batcher = new SpanBatcher({ clock, logger, onOutcome, exporter, resource: this.#resource() });
    this.#replace({ key: key as string, batcher }, config.samplingFraction);
    logger.info("Tracing is on", { endpoint: config.endpoint, client_type: config.clientType });
  }

  /** Sends what waits, for `STOP_TIMEOUT_MS` at most. Never rejects. */
  async stop(): Promise<void> {
    this.#replace(undefined, 0);
    await Promise.all(this.#ending);
  }

  #replace(next: { readonly key: string; readonly batcher: SpanBatcher } | undefined, share: number): void {
    const before = this.#running;
    this.#running = next;
    this.tracer.use(next?.batcher, share);
    if (before === undefined) return;
    const ending = before.batcher.stop(STOP_TIMEOUT_MS).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  #resource(): TraceResource {
    const { service, version } = this.#options;
    return {
      attributes: {
        "service.name": service,
        "service.version": version,
        "process.runtime.name": "nodejs",
        "process.runtime.version": process.versions.node,
        "process.runtime.description": `Node.js ${process.version}`,
        "telemetry.sdk.name": "narthex",
        "telemetry.sdk.language": "nodejs",
        "telemetry.sdk.version": NARTHEX_VERSION,
      },
      scopeName: "@narthex/tracing",
      scopeVersion: NARTHEX_VERSION,
    };
  }
}
