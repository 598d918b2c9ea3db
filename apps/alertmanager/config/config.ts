// The whole of alertmanager.yml as typed values: globals inherited, paths resolved, nothing unchecked.
import { type Codec, field, type StructShape, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { type EventRecorderConfig, eventRecorder } from "./event-recorder.ts";
import { checkGlobal, defaultGlobal, type GlobalConfig, globalConfig } from "./global.ts";
import { type InhibitRuleConfig, inhibitRuleCodec } from "./inhibit-rule.ts";
import { completeReceiver, type ReceiverConfig, receiver } from "./receiver.ts";
import { type RouteConfig, routeCodec } from "./route.ts";
import { muteTimeInterval, type NamedIntervals, timeInterval } from "./time-interval.ts";
import { type TracingConfig, tracing } from "./tracing.ts";

const { filePath, list, optional } = yamlCodec;

export interface ConfigDraft {
  readonly global: GlobalConfig | undefined;
  readonly route: RouteConfig | undefined;
  readonly inhibitRules: readonly InhibitRuleConfig[];
  readonly receivers: readonly ReceiverConfig[];
  /** Globs. */
  readonly templates: readonly string[];
  readonly muteTimeIntervals: readonly NamedIntervals[];
  readonly timeIntervals: readonly NamedIntervals[];
  readonly tracing: TracingConfig | undefined;
  readonly eventRecorder: EventRecorderConfig | undefined;
}

/** A configuration that was checked; its text is kept for its hash. */
export interface Config extends ConfigDraft {
  readonly global: GlobalConfig;
  readonly route: RouteConfig;
  readonly source: string;
  /** As the API shows it: everything in force, secrets masked. */
  readonly yaml: string;
}

export function configCodec(grammar: MatcherGrammar): Codec<ConfigDraft> & StructShape {
  return struct<ConfigDraft>("config.plain", [
    field<ConfigDraft>("global", "global", optional(globalConfig), { initial: defaultGlobal }),
    field<ConfigDraft>("route", "route", optional(routeCodec(grammar))),
    field<ConfigDraft>("inhibit_rules", "inhibitRules", list(inhibitRuleCodec(grammar))),
    field<ConfigDraft>("receivers", "receivers", list(receiver)),
    field<ConfigDraft>("templates", "templates", list(filePath()), { keep: true }),
    field<ConfigDraft>("mute_time_intervals", "muteTimeIntervals", list(muteTimeInterval)),
    field<ConfigDraft>("time_intervals", "timeIntervals", list(timeInterval)),
    field<ConfigDraft>("tracing", "tracing", optional(tracing)),
    field<ConfigDraft>("event_recorder", "eventRecorder", optional(eventRecorder)),
  ]);
}

/** Fills in globals and checks what only the parts together can get wrong. */
export function completeConfig(
  draft: { -readonly [K in keyof ConfigDraft]: ConfigDraft[K] },
  reader: YamlReader,
): void {
  draft.global ??= defaultGlobal();
  const { global } = draft;
  checkGlobal(global, reader);
  const receivers = new Set<string>();
  for (const config of draft.receivers) {
    if (receivers.has(config.name))
      reader.invalid(reader.place(config, "name"), `notification config name ${quoted(config.name)} is not unique`);
    receivers.add(config.name);
    completeReceiver(config, global, reader);
  }
  if (draft.route === undefined) {
    reader.invalid(reader.place(draft), "no routes provided");
    return;
  }
  checkRoot(draft.route, reader);
  const intervals = intervalNames(draft, reader);
  checkTree(draft.route, receivers, intervals, reader);
}

function checkRoot(route: RouteConfig, reader: YamlReader): void {
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(route, key), message);
  if (route.receiver === "") invalid("receiver", "root route must specify a default receiver");
  if (route.match.size > 0 || route.matchRe.size > 0 || route.matchers.length > 0)
    invalid("matchers", "root route must not have any matchers");
  if (route.muteTimeIntervals.length > 0)
    invalid("mute_time_intervals", "root route must not have any mute time intervals");
  if (route.activeTimeIntervals.length > 0)
    invalid("active_time_intervals", "root route must not have any active time intervals");
  if (route.continue) invalid("continue", "cannot have continue in root route");
}

function intervalNames(draft: ConfigDraft, reader: YamlReader): Set<string> {
  const names = new Set<string>();
  const add = (kind: string, { name }: NamedIntervals, at: NamedIntervals): void => {
    if (names.has(name)) reader.invalid(reader.place(at, "name"), `${kind} ${quoted(name)} is not unique`);
    names.add(name);
  };
  for (const each of draft.muteTimeIntervals) add("mute time interval", each, each);
  for (const each of draft.timeIntervals) add("time interval", each, each);
  return names;
}

function checkTree(
  route: RouteConfig,
  receivers: ReadonlySet<string>,
  intervals: ReadonlySet<string>,
  reader: YamlReader,
): void {
  for (const child of route.routes) checkTree(child, receivers, intervals, reader);
  if (route.receiver !== "" && !receivers.has(route.receiver))
    reader.invalid(reader.place(route, "receiver"), `undefined receiver ${quoted(route.receiver)} used in route`);
  for (const [key, names] of [
    ["active_time_intervals", route.activeTimeIntervals],
    ["mute_time_intervals", route.muteTimeIntervals],
  ] as const)
    for (const name of names)
      if (!intervals.has(name))
        reader.invalid(reader.place(route, key), `undefined time interval ${quoted(name)} used in route`);
}

function quoted(name: string): string {
  return JSON.stringify(name);
}
