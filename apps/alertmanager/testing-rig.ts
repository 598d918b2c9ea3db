// A whole Alertmanager for tests, from the posted alert to what receivers are told, on a clock that is turned by hand.
import { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import type { Alert } from "./alert/alert.ts";
import { AlertStore } from "./alert/alert-store.ts";
import { lonePeer } from "./cluster/peer.ts";
import { loadConfig } from "./config/load.ts";
import { DispatchMetrics } from "./dispatch/dispatch-metrics.ts";
import { Dispatcher, type DispatcherOptions } from "./dispatch/dispatcher.ts";
import { Route } from "./dispatch/route.ts";
import type { Event, EventSink, EventType } from "./event/event.ts";
import { alertCreated } from "./event/events.ts";
import type { Message } from "./event/message.ts";
import { Inhibitor } from "./inhibit/inhibitor.ts";
import { fingerprintOf } from "./label/fingerprint.ts";
import { MatcherGrammar } from "./matcher/matcher-grammar.ts";
import { Moment } from "./moment/moment.ts";
import { NotificationLog } from "./nflog/notification-log.ts";
import type { Answer, Delivery } from "./notify/delivery.ts";
import { Integration } from "./notify/integration.ts";
import { NotifyMetrics } from "./notify/notify-metrics.ts";
import { Pipeline } from "./notify/pipeline.ts";
import { NotificationRecords } from "./record/notification-records.ts";
import { SilenceMetrics } from "./silence/silence-metrics.ts";
import { Silencer } from "./silence/silencer.ts";
import { Silences } from "./silence/silences.ts";
import { TemplateSet } from "./template/template-set.ts";
import { HandClock } from "./testing.ts";
import { Intervener } from "./time-interval/intervener.ts";

export const GRAMMAR: MatcherGrammar = new MatcherGrammar("fallback", silentLogger);

/** How a receiver answers; what it returns or throws is the answer. */
export type Behaviour = (delivery: Delivery, alerts: readonly Alert[]) => Answer | Promise<Answer>;

const TAKEN: Answer = { status: 200, text: "" };

export class Rig {
  readonly clock: HandClock = new HandClock();
  readonly registry: Registry = new Registry();
  readonly alerts: AlertStore;
  readonly silences: Silences;
  readonly records: NotificationRecords;
  readonly log: NotificationLog;
  dispatcher: Dispatcher;
  readonly #dispatcherOptions: Omit<DispatcherOptions, "route">;
  readonly inhibitor: Inhibitor;
  /** What was told: `SECONDS RECEIVER: reason [firing] [resolved]`, the alerts by their `i` label. */
  readonly told: string[] = [];
  readonly #events: Event[] = [];
  readonly #sink: EventSink = { record: (event) => this.#events.push(event) };
  readonly #startedMs: number = this.clock.now();

  /** Each receiver gets one integration of the name `test`, or two for those whose name ends with `+`. */
  constructor(yaml: string, behaviours: Readonly<Record<string, Behaviour>> = {}, sendsResolved = true) {
    const { clock, registry } = this;
    const config = loadConfig(yaml, "test.yml", GRAMMAR);
    this.alerts = new AlertStore({
      clock,
      gcIntervalMs: 1_800_000,
      perNameLimit: 0,
      onCreated: (alert) => this.#sink.record(alertCreated(alert)),
    });
    this.silences = new Silences({
      file: undefined,
      retentionMs: 3_600_000,
      maxSilences: 0,
      maxBytes: 0,
      logsChanges: false,
      clock,
      grammar: GRAMMAR,
      peer: lonePeer,
      logger: silentLogger,
      metrics: new SilenceMetrics(registry, () => this.silences),
      events: this.#sink,
    });
    this.log = new NotificationLog({
      file: undefined,
      retentionMs: 432_000_000,
      clock,
      peer: lonePeer,
      logger: silentLogger,
      registry,
    });
    this.records = new NotificationRecords(clock);
    const metrics = new NotifyMetrics(registry, false);
    const environment = {
      clock,
      log: this.log,
      metrics,
      records: this.records,
      logger: silentLogger,
      events: this.#sink,
      waitMs: () => 0,
      random: () => 0.5,
    };
    const receivers = new Map(
      config.receivers.map(({ name }) => [
        name,
        Array.from(
          { length: name.endsWith("+") ? 2 : 1 },
          (_, index) =>
            new Integration(
              { name: "test", index, receiver: name, sendsResolved },
              {
                notify: (delivery, alerts) =>
                  this.#tell(name, delivery, alerts, behaviours[`${name}${index}`] ?? behaviours[name]),
              },
              environment,
            ),
        ),
      ]),
    );
    this.inhibitor = new Inhibitor(config.inhibitRules, this.alerts, clock);
    const intervener = new Intervener(new Map(config.timeIntervals.map((each) => [each.name, each.timeIntervals])));
    const pipeline = new Pipeline({
      receivers,
      inhibitor: this.inhibitor,
      silencer: new Silencer(this.silences, clock),
      intervener,
      peer: lonePeer,
      metrics,
      events: this.#sink,
    });
    this.#dispatcherOptions = {
      alerts: this.alerts,
      pipeline,
      templates: new TemplateSet(),
      externalUrl: "http://am",
      clock,
      logger: silentLogger,
      metrics: new DispatchMetrics(registry, false, clock),
      events: this.#sink,
      maintenanceIntervalMs: 30_000,
      startsAtMs: 0,
      waitMs: () => 0,
    };
    this.dispatcher = new Dispatcher({ ...this.#dispatcherOptions, route: new Route(config.route) });
  }

  /** Puts the routes of a configuration in force, as a reload does; its receivers and time intervals are those there are. */
  reroute(yaml: string): void {
    const before = this.dispatcher;
    before.close();
    const route = new Route(loadConfig(yaml, "test.yml", GRAMMAR).route);
    this.dispatcher = new Dispatcher({ ...this.#dispatcherOptions, route }, before);
  }

  /** Reports an alert that begins now, and ends after so many seconds unless it is reported again. */
  report(labels: Readonly<Record<string, string>>, seconds: number = 100_000): Alert {
    const alert = alertOf(labels, this.clock.now(), seconds);
    this.alerts.put([alert]);
    return alert;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return (this.clock.now() - this.#startedMs) / 1000;
  }

  async turn(seconds: number): Promise<void> {
    await this.clock.turn(seconds * 1000);
  }

  /** What was told since it was asked last. */
  take(): string[] {
    return this.told.splice(0);
  }

  /** Events since it was asked last, as they are written: type and content. */
  takeEvents(): [EventType, Message][] {
    const at = Moment.fromMs(this.clock.now());
    return this.#events.splice(0).map((event) => [event.type, event.content(at)]);
  }

  async #tell(
    name: string,
    delivery: Delivery,
    alerts: readonly Alert[],
    behave: Behaviour | undefined,
  ): Promise<Answer> {
    const answer = await behave?.(delivery, alerts);
    const now = Moment.fromMs(this.clock.now());
    const names = (isOver: boolean): string =>
      alerts
        .filter(({ endsAt }) => (!endsAt.isZero && !endsAt.isAfter(now)) === isOver)
        .map(({ labels }) => labels.get("i"))
        .join(" ");
    this.told.push(`${this.seconds} ${name}: ${delivery.reason} [${names(false)}] [${names(true)}]`);
    return answer ?? TAKEN;
  }
}

export function alertOf(labels: Readonly<Record<string, string>>, nowMs: number, seconds: number): Alert {
  const set = Labels.fromObject(labels);
  const now = Moment.fromMs(nowMs);
  return {
    labels: set,
    fingerprint: fingerprintOf(set),
    annotations: Labels.empty,
    startsAt: now,
    endsAt: now.plusMs(seconds * 1000),
    updatedAt: now,
    generatorUrl: "",
    isTimeout: false,
  };
}
