// A rule manager on a clock that is turned by hand, with the notifier behind it and an Alertmanager that keeps what it is told.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import { Engine, loadScript, QueryError, type VectorElement } from "@narthex/promql";
import { silentLogger } from "@narthex/toolkit";
import { loadConfig } from "../config/index.ts";
import { Notifier } from "../notifier/notifier.ts";
import { TestStorage } from "../tool/unit-test/test-storage.ts";
import { makeRuleGroup } from "./group-maker.ts";
import { slotOffset } from "./group-slot.ts";
import { outgoing } from "./outgoing.ts";
import type { EvaluationSlots } from "./rule-dependencies.ts";
import { parseRuleFile } from "./rule-file.ts";
import type { Clock, RuleGroup } from "./rule-group.ts";
import { RuleManager } from "./rule-manager.ts";
import { RuleMetrics } from "./rule-metrics.ts";

/** Time that passes only when told. */
export class HandClock implements Clock {
  #now: number;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Lets all timers up to `t` ring in their order, and what they begin come to its end. */
  async turnTo(t: number): Promise<void> {
    for (;;) {
      await settled();
      const [next] = this.#timers.filter(({ at }) => at <= t).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = t;
  }

  /** Time that passes while something is under way: no timer rings. */
  pass(ms: number): void {
    this.#now += ms;
  }
}

/** Lets all that is under way and waits for nothing but itself come to its end. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** An alert as an Alertmanager is told of it. */
export interface ToldAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

export interface BenchOptions {
  readonly rules: string;
  /** Series in the notation of test scripts, one a line. */
  readonly series: string;
  readonly seriesStepMs?: number;
  /** The group whose slots the samples stand on. Default: the first. */
  readonly resendDelayMs?: number;
  readonly startMs?: number;
  readonly slots?: EvaluationSlots;
  readonly storage?: TestStorage;
  readonly gracePeriodMs?: number;
  /** Called before each query, which then waits for it. */
  readonly beforeQuery?: (expr: string) => Promise<void> | void;
}

const FILE = "rules.yml";
const DEFAULT_INTERVAL_MS = 30_000;

/** A manager with the groups of one file, whose first group's slot 0 is at `startMs`, where the series begin, too. */
export class RuleBench {
  readonly clock: HandClock;
  readonly storage: TestStorage;
  readonly manager: RuleManager;
  readonly registry: Registry = new Registry();
  /** Slot 0 of the first group. */
  readonly startMs: number;
  readonly intervalMs: number;
  readonly told: { readonly round: number; readonly alert: ToldAlert }[] = [];
  readonly #metrics: RuleMetrics;
  readonly #options: BenchOptions;
  readonly #engine = new Engine();
  #notifier: Notifier | undefined;
  #sent = 0;

  constructor(options: BenchOptions) {
    this.#options = options;
    const [first] = parseRuleFile(options.rules, FILE);
    if (first === undefined) throw new Error("no group");
    this.intervalMs = first.intervalMs ?? DEFAULT_INTERVAL_MS;
    this.startMs =
      Math.floor((options.startMs ?? 0) / this.intervalMs) * this.intervalMs +
      slotOffset(FILE, first.name, this.intervalMs);
    this.clock = new HandClock(this.startMs - 1);
    const lines = options.series
      .trim()
      .split("\n")
      .map((line) => `  ${line.trim()}\n`)
      .join("");
    this.storage =
      options.storage ??
      new TestStorage(loadScript(`load ${options.seriesStepMs ?? 15_000}ms\n${lines}`, this.startMs));
    this.#metrics = new RuleMetrics(this.registry);
    this.manager = new RuleManager({
      queryable: this.storage,
      metrics: this.#metrics,
      logger: silentLogger,
      clock: this.clock,
      outageToleranceMs: 3_600_000,
      gracePeriodMs: options.gracePeriodMs ?? 600_000,
    });
  }

  /** Starts with an Alertmanager at the end, or without. */
  async start(t?: TestContext): Promise<void> {
    if (t !== undefined) this.#notifier = await this.#notify(t);
    await this.reload(this.#options.rules);
  }

  async reload(rules: string): Promise<void> {
    await this.manager.update(this.groupsOf(rules));
  }

  /** Turns the clock to the slot of a round, counted from 0, and waits until the Alertmanager heard all of it. */
  async round(number: number): Promise<void> {
    await this.clock.turnTo(this.startMs + number * this.intervalMs);
    for (let tries = 0; tries < 500 && this.told.length < this.#sent; tries++)
      await new Promise((resolve) => setTimeout(resolve, 2));
  }

  /** Runs rounds one by one, and hands each to `look`. */
  async rounds(from: number, to: number, look: (round: number) => void = () => {}): Promise<void> {
    for (let round = from; round <= to; round++) {
      await this.round(round);
      look(round);
    }
  }

  /** Which round a time is. */
  roundOf(t: string | number): number {
    return (new Date(t).getTime() - this.startMs) / this.intervalMs;
  }

  groupsOf(rules: string): RuleGroup[] {
    return parseRuleFile(rules, FILE).map((source) =>
      makeRuleGroup(source, {
        intervalMs: DEFAULT_INTERVAL_MS,
        queryOffsetMs: 0,
        surroundings: {
          externalLabels: () => Labels.fromObject({ cluster: "c" }),
          externalUrl: "http://p",
          pathPrefix: "",
        },
        environment: {
          appendable: this.storage.written,
          evaluate: (expr, t) => this.ask(expr, t),
          clock: this.clock,
          metrics: this.#metrics,
          logger: silentLogger,
          resendDelayMs: this.#options.resendDelayMs ?? 60_000,
          slots: this.#options.slots,
          restore: (group, t) => this.manager.restore(group, t),
          send: (rule, alerts) => {
            if (this.#notifier === undefined) return;
            this.#sent += alerts.length;
            this.#notifier.send(outgoing(rule, alerts, "http://p"));
          },
        },
      }),
    );
  }

  /** An instant query on all that there is by now. */
  async ask(expr: string, t: number): Promise<readonly VectorElement[]> {
    await this.#options.beforeQuery?.(expr);
    this.storage.now = Math.max(this.storage.now, this.clock.now());
    const { value } = this.#engine.instantQuery(this.storage, expr, t);
    if (value.kind === "vector") return value.elements;
    if (value.kind === "scalar") return [{ labels: Labels.empty, value: value.value, histogram: undefined }];
    throw new QueryError("execution", "rule result is not a vector or scalar");
  }

  async #notify(t: TestContext): Promise<Notifier> {
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (text) => (body += text));
      request.on("end", () => {
        const round = this.roundOf(this.clock.now());
        for (const alert of JSON.parse(body) as ToldAlert[]) this.told.push({ round, alert });
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const notifier = new Notifier({
      registry: this.registry,
      logger: silentLogger,
      version: "3.14.0",
      queueCapacity: 1000,
      batchSize: 64,
      drainsOnStop: true,
    });
    t.after(async () => {
      await this.manager.stop();
      await notifier.stop();
      server.closeAllConnections();
      server.close();
    });
    notifier.applyConfig(
      loadConfig(`alerting: {alertmanagers: [{static_configs: [{targets: ["${address}"]}]}]}`, "p.yml", {
        logger: silentLogger,
      }),
    );
    notifier.updateTargets(
      new Map([["config-0", [{ source: "0", labels: new Map(), targets: [new Map([["__address__", address]])] }]]]),
    );
    return notifier;
  }
}

/** `1-3 5`: which of the rounds hold. */
export function spans(rounds: readonly number[]): string {
  const parts: string[] = [];
  for (let i = 0; i < rounds.length; i++) {
    const first = rounds[i] as number;
    let last = first;
    while (rounds[i + 1] === last + 1) {
      last++;
      i++;
    }
    parts.push(first === last ? String(first) : `${first}-${last}`);
  }
  return parts.join(" ");
}
