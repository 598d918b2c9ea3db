// Rules in the running server: from the files the configuration names to groups that run.
import type { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { Db } from "@narthex/tsdb";
import type { Config } from "../config/index.ts";
import type { OutgoingAlert } from "../notifier/outgoing-alert.ts";
import type { QueryService } from "../query/query-service.ts";
import type { ServerSettings } from "../settings.ts";
import type { TemplateSurroundings } from "./alert-template.ts";
import { BackfillJobs } from "./backfill/backfill-jobs.ts";
import type { BackfilledRange, BackfillRange } from "./backfill/backfill-range.ts";
import { makeRuleGroup } from "./group-maker.ts";
import type { AlertHistory } from "./history/alert-history.ts";
import { outgoing } from "./outgoing.ts";
import type { Evaluate } from "./rule.ts";
import { EvaluationSlots } from "./rule-dependencies.ts";
import type { RuleGroupSource } from "./rule-file.ts";
import { type RuleGroup, WALL_CLOCK } from "./rule-group.ts";
import { RuleManager } from "./rule-manager.ts";
import { RuleMetrics } from "./rule-metrics.ts";

export interface RuleServiceOptions {
  readonly db: Db;
  readonly queries: QueryService;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly tracer: Tracer;
  readonly settings: ServerSettings;
  /** Keeps account of what becomes of alerts. */
  readonly history: AlertHistory | undefined;
  /** Takes alerts that are due, to be sent to Alertmanagers. */
  readonly send: (alerts: readonly OutgoingAlert[]) => void;
}

export class RuleService {
  readonly #options: RuleServiceOptions;
  readonly #metrics: RuleMetrics;
  readonly #manager: RuleManager;
  readonly #stopping = new AbortController();
  readonly #slots: EvaluationSlots | undefined;
  readonly #surroundings: TemplateSurroundings;
  /** Recording rules that are computed for the past. */
  readonly backfills: BackfillJobs;
  #externalLabels = Labels.empty;

  constructor(options: RuleServiceOptions) {
    const { db, registry, logger, settings } = options;
    this.#options = options;
    this.#metrics = new RuleMetrics(registry);
    this.#slots = settings.maxConcurrentRules > 0 ? new EvaluationSlots(settings.maxConcurrentRules) : undefined;
    this.#surroundings = {
      externalLabels: () => this.#externalLabels,
      externalUrl: settings.externalUrl.href.replace(/\/$/, ""),
      pathPrefix: settings.externalUrl.pathname.replace(/\/$/, ""),
    };
    const headStart = (): number => db.stats().minTime ?? Date.now();
    this.backfills = new BackfillJobs({
      directory: db.directory,
      blockRangeMs: settings.minBlockDurationMs,
      headStart,
      oldestTime: () => db.blocks[0]?.minTime ?? headStart(),
      run: (range, signal) => runBackfill(options.queries, range, signal),
      onBlock: () => db.reloadBlocks(),
      now: Date.now,
      logger,
    });
    this.#manager = new RuleManager({
      queryable: db,
      metrics: this.#metrics,
      logger,
      clock: WALL_CLOCK,
      outageToleranceMs: settings.outageToleranceMs,
      gracePeriodMs: settings.alertGracePeriodMs,
    });
  }

  /** What became of alerts; undefined where no account is kept of it. */
  get history(): AlertHistory | undefined {
    return this.#options.history;
  }

  get groups(): readonly RuleGroup[] {
    return this.#manager.groups;
  }

  /** Puts rule groups in force; those that mean the same go on undisturbed. */
  apply(config: Config, loaded: readonly RuleGroupSource[]): Promise<void> {
    this.#externalLabels = config.global.externalLabels;
    return this.#manager.update(loaded.map((group) => this.#group(group, config)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.backfills.stop();
    await this.#manager.stop();
    await this.#options.history?.close();
  }

  #group(loaded: RuleGroupSource, config: Config): RuleGroup {
    const { db, logger, settings, tracer } = this.#options;
    return makeRuleGroup(loaded, {
      intervalMs: config.global.evaluationIntervalMs,
      queryOffsetMs: config.global.ruleQueryOffsetMs,
      surroundings: this.#surroundings,
      onTransition: ({ file, name }, { t, state, labels, value, activeAt }) =>
        this.#options.history?.note({ t, state, labels, value, activeAt, group: name, file }),
      environment: {
        appendable: db,
        evaluate: this.#evaluation(loaded),
        clock: WALL_CLOCK,
        metrics: this.#metrics,
        logger,
        tracer,
        resendDelayMs: settings.resendDelayMs,
        slots: this.#slots,
        restore: (group, t) => this.#manager.restore(group, t),
        send: (rule, alerts) => this.#options.send(outgoing(rule, alerts, this.#surroundings.externalUrl)),
      },
    });
  }

  #evaluation({ file, name }: RuleGroupSource): Evaluate {
    const origin = { kind: "rule", file, group: name } as const;
    return (expr, t, span) => this.#options.queries.evaluate(expr, t, this.#stopping.signal, origin, span);
  }
}

/** One range in a query worker. Rejects with a `QueryError`. */
async function runBackfill(queries: QueryService, range: BackfillRange, signal: AbortSignal): Promise<BackfilledRange> {
  let text = "";
  const output = {
    write: (bytes: Uint8Array): undefined => {
      text += Buffer.from(bytes).toString();
    },
  };
  await queries.run({ kind: "backfill", range }, output, { signal });
  return JSON.parse(text) as BackfilledRange;
}
