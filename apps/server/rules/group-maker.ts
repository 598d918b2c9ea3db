// From a group as its file gives it to one that runs.
import type { TemplateSurroundings } from "./alert-template.ts";
import { AlertingRule, type AlertTransition } from "./alerting-rule.ts";
import { RecordingRule } from "./recording-rule.ts";
import type { RuleGroupSource } from "./rule-file.ts";
import { RuleGroup, type RuleGroupEnvironment } from "./rule-group.ts";

export interface GroupMaking {
  /** For groups that give none, milliseconds. */
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly surroundings: TemplateSurroundings;
  readonly environment: RuleGroupEnvironment;
  readonly onTransition?: (source: RuleGroupSource, transition: AlertTransition) => void;
}

export function makeRuleGroup(source: RuleGroupSource, making: GroupMaking): RuleGroup {
  const { surroundings, environment, onTransition } = making;
  const { logger, metrics } = environment;
  const alerting = {
    ...surroundings,
    logger,
    onExpansion: (failed: boolean) => metrics.expanded(failed),
    onTransition: (transition: AlertTransition) => onTransition?.(source, transition),
  };
  const rules = source.rules.map((rule) =>
    rule.kind === "record" ? new RecordingRule(rule.name, rule.query, rule.labels) : new AlertingRule(rule, alerting),
  );
  const { name, file, limit } = source;
  const intervalMs = source.intervalMs ?? making.intervalMs;
  const queryOffsetMs = source.queryOffsetMs ?? making.queryOffsetMs;
  return new RuleGroup({ name, file, intervalMs, queryOffsetMs, limit }, rules, environment);
}
