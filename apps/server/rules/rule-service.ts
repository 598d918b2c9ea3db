// Rules in the running server: from the files the configuration names to groups that run.
import type { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Db } from "@narthex/tsdb";
import type { Config } from "../config/index.ts";
import type { OutgoingAlert } from "../notifier/outgoing-alert.ts";
import type { QueryService } from "../query/query-service.ts";
import type { ServerSettings } from "../settings.ts";
import { AlertingRule } from "./alerting-rule.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { RuleGroupSource } from "./rule-file.ts";
import { RuleGroup } from "./rule-group.ts";
import { RuleManager } from "./rule-manager.ts";
import { RuleMetrics } from "./rule-metrics.ts";
import { tableLink, templateFunctions } from "./template-functions.ts";

export interface RuleServiceOptions {
  readonly db: Db;
  readonly queries: QueryService;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly settings: ServerSettings;
  /** Takes alerts that are due, to be sent to Alertmanagers. */
  readonly send: (alerts: readonly OutgoingAlert[]) => void;
}

export class RuleService {
  readonly #options: RuleServiceOptions;
  readonly #metrics: RuleMetrics;
  readonly #manager: RuleManager;
  readonly #stopping = new AbortController();

  constructor(options: RuleServiceOptions) {
    const { db, registry, logger, settings } = options;
    this.#options = options;
    this.#metrics = new RuleMetrics(registry);
    this.#manager = new RuleManager({
      queryable: db,
      metrics: this.#metrics,
      logger,
      now: Date.now,
      outageToleranceMs: settings.outageToleranceMs,
      gracePeriodMs: settings.alertGracePeriodMs,
    });
  }

  get groups(): readonly RuleGroup[] {
    return this.#manager.groups;
  }

  /** Puts rule groups in force; those that mean the same go on undisturbed. */
  apply(config: Config, loaded: readonly RuleGroupSource[]): Promise<void> {
    return this.#manager.update(loaded.map((group) => this.#group(group, config)));
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#manager.stop();
  }

  #group(loaded: RuleGroupSource, config: Config): RuleGroup {
    const { db, queries, logger, settings, send } = this.#options;
    const externalUrl = settings.externalUrl.href.replace(/\/$/, "");
    const alertingEnvironment = {
      externalLabels: config.global.externalLabels,
      externalUrl,
      functions: (t: number) =>
        templateFunctions({
          query: (expr) => {
            const { value } = queries.engine.instantQuery(db, expr, t);
            return value.kind === "vector"
              ? value.elements
              : value.kind === "scalar"
                ? [{ labels: Labels.empty, value: value.value, histogram: undefined }]
                : [];
          },
          externalUrl,
          pathPrefix: settings.externalUrl.pathname.replace(/\/$/, ""),
        }),
      logger,
      onExpansion: (failed: boolean) => this.#metrics.expanded(failed),
    };
    const rules = loaded.rules.map((rule) =>
      rule.kind === "record"
        ? new RecordingRule(rule.name, rule.query, rule.labels)
        : new AlertingRule(rule, alertingEnvironment),
    );
    return new RuleGroup(
      {
        name: loaded.name,
        file: loaded.file,
        intervalMs: loaded.intervalMs ?? config.global.evaluationIntervalMs,
        queryOffsetMs: loaded.queryOffsetMs ?? config.global.ruleQueryOffsetMs,
        limit: loaded.limit,
      },
      rules,
      {
        appendable: db,
        evaluate: (expr, t) =>
          queries.evaluate(expr, t, this.#stopping.signal, { kind: "rule", file: loaded.file, group: loaded.name }),
        now: Date.now,
        metrics: this.#metrics,
        logger,
        resendDelayMs: settings.resendDelayMs,
        restore: (group, t) => this.#manager.restore(group, t),
        send: ({ query }, alerts) => {
          const generatorUrl = `${externalUrl}${tableLink(query)}`;
          send(
            alerts.map(({ labels, annotations, firedAt, resolvedAt, validUntil }) => ({
              labels,
              annotations,
              startsAt: firedAt,
              endsAt: resolvedAt !== 0 ? resolvedAt : validUntil,
              generatorUrl,
            })),
          );
        },
      },
    );
  }
}
