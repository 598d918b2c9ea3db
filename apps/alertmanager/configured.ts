// Everything that stands on one configuration. A reload makes another one and closes this.
import type { Logger } from "@narthex/toolkit";
import type { Alert } from "./alert/alert.ts";
import type { ApiState } from "./api/v2/api-context.ts";
import type { ShownStatus } from "./api/v2/gettable.ts";
import type { Config } from "./config/config.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatch/dispatcher.ts";
import { Route } from "./dispatch/route.ts";
import { Inhibitor } from "./inhibit/inhibitor.ts";
import type { Moment } from "./moment/moment.ts";
import type { Integration, IntegrationEnvironment } from "./notify/integration.ts";
import type { NotifierEnvironment } from "./notify/integrations/common.ts";
import { Pipeline, type PipelineOptions } from "./notify/pipeline.ts";
import { buildIntegrations } from "./notify/receivers.ts";
import { templateFiles } from "./template/template-files.ts";
import { TemplateSet } from "./template/template-set.ts";
import { Intervener } from "./time-interval/intervener.ts";

/** What outlives a configuration. */
export type Lasting = Pick<PipelineOptions, "silencer" | "peer" | "metrics"> &
  Pick<
    DispatcherOptions,
    "alerts" | "externalUrl" | "clock" | "logger" | "maintenanceIntervalMs" | "startsAtMs" | "tracer" | "waitMs"
  > &
  Required<Pick<IntegrationEnvironment, "log" | "records" | "events">> & {
    readonly dispatchMetrics: DispatcherOptions["metrics"];
    readonly retentionMs: number;
  };

/** Made ready apart from what is in force, so that a configuration that cannot be used changes nothing. */
export class Prepared {
  readonly config: Config;
  readonly route: Route;
  readonly templates: TemplateSet;
  readonly intervener: Intervener;
  readonly receivers: ReadonlyMap<string, readonly Integration[]>;

  /** Throws an error with one clear sentence. */
  constructor(config: Config, lasting: Lasting) {
    const { clock, logger, externalUrl, metrics } = lasting;
    this.config = config;
    this.templates = new TemplateSet(templateFiles(config.templates));
    this.route = new Route(config.route);
    this.intervener = new Intervener(
      new Map([...config.muteTimeIntervals, ...config.timeIntervals].map((each) => [each.name, each.timeIntervals])),
    );
    const used = new Set([...this.route.walk()].map(({ options }) => options.receiver));
    const receivers = new Map<string, readonly Integration[]>();
    const notifiers: NotifierEnvironment = { templates: this.templates, externalUrl, clock, logger };
    for (const receiver of config.receivers) {
      if (used.has(receiver.name)) receivers.set(receiver.name, buildIntegrations(receiver, notifiers, lasting));
      else logger.info("skipping creation of receiver not referenced by any route", { receiver: receiver.name });
    }
    this.receivers = receivers;
    metrics.prepareFor(this.integrations);
  }

  get integrations(): Integration[] {
    return [...this.receivers.values()].flat();
  }
}

const UNMUTED: ShownStatus = { silencedBy: [], inhibitedBy: [], mutedBy: [] };

/** A configuration in force. */
export class Configured implements ApiState {
  readonly config: Config;
  readonly dispatcher: Dispatcher;
  readonly inhibitor: Inhibitor;
  readonly intervener: Intervener;
  readonly templates: TemplateSet;
  readonly resolveTimeoutMs: number;
  readonly receiverLabels: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly #lasting: Lasting;
  readonly #integrations: readonly Integration[];

  /** `before` is what was in force until now, closed. */
  constructor(prepared: Prepared, lasting: Lasting, before?: Configured) {
    const { config, templates, route, intervener, receivers } = prepared;
    const { alerts, clock } = lasting;
    this.config = config;
    this.templates = templates;
    this.intervener = intervener;
    this.resolveTimeoutMs = config.global.resolveTimeout;
    this.receiverLabels = new Map(config.receivers.map(({ name, labels }) => [name, labels]));
    this.#lasting = lasting;
    this.#integrations = prepared.integrations;
    // Before the dispatcher: what is sent first knows its sources already.
    this.inhibitor = new Inhibitor(config.inhibitRules, alerts, clock);
    const pipeline = new Pipeline({ ...lasting, receivers, inhibitor: this.inhibitor, intervener });
    warnAboutRepeats(route, lasting);
    this.dispatcher = new Dispatcher(
      { ...lasting, route, pipeline, templates, metrics: lasting.dispatchMetrics },
      before?.dispatcher,
    );
  }

  get counts(): { receivers: number; integrations: number; inhibitRules: number } {
    return {
      receivers: this.dispatcher.pipeline.receivers.size,
      integrations: this.#integrations.length,
      inhibitRules: this.config.inhibitRules.length,
    };
  }

  statusOf({ labels }: Alert, now: Moment): ShownStatus {
    const inhibition = this.inhibitor.inhibition(labels, now);
    const silencedBy = this.#lasting.silencer.silencedBy(labels, now);
    if (inhibition === undefined && silencedBy.length === 0) return UNMUTED;
    return { silencedBy, inhibitedBy: inhibition === undefined ? [] : [inhibition.source], mutedBy: [] };
  }

  /** Ends its timers and what it is sending. */
  close(): void {
    this.inhibitor.close();
    this.dispatcher.close();
    for (const { notifier } of this.#integrations) notifier.close?.();
  }
}

function warnAboutRepeats(route: Route, { logger, retentionMs }: { logger: Logger; retentionMs: number }): void {
  for (const { options, key } of route.walk()) {
    const { repeatIntervalMs, groupIntervalMs } = options;
    const attributes = { repeat_interval: `${repeatIntervalMs}ms`, route: key };
    if (repeatIntervalMs > retentionMs)
      logger.warn(
        "repeat_interval is greater than the data retention period. It can lead to notifications being repeated more often than expected",
        { ...attributes, retention: `${retentionMs}ms` },
      );
    if (repeatIntervalMs < groupIntervalMs)
      logger.warn(
        "repeat_interval is less than group_interval. Notifications will not repeat until the next group_interval.",
        { ...attributes, group_interval: `${groupIntervalMs}ms` },
      );
  }
}
