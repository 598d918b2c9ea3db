// `route`: the tree by which alerts find their receivers.
import { type Codec, field, struct, type YamlReader, yamlCodec } from "@narthex/toolkit";
import type { LabelMatcher } from "../matcher/matcher.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { matchersCodec, matchMap, matchRegexMap } from "./matchers.ts";

const { bool, duration, list, map, optional, text } = yamlCodec;

/** One node, as it was written: what is undefined or empty comes from the parent. Times in milliseconds. */
export interface RouteConfig {
  readonly receiver: string;
  /** Undefined when nothing was written, which is not the same as an empty list. `...` stands for all labels. */
  readonly groupBy: readonly string[] | undefined;
  readonly match: ReadonlyMap<string, string>;
  readonly matchRe: ReadonlyMap<string, string>;
  readonly matchers: readonly LabelMatcher[];
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  readonly continue: boolean;
  readonly routes: readonly RouteConfig[];
  readonly groupWait: number | undefined;
  readonly groupInterval: number | undefined;
  readonly repeatInterval: number | undefined;
  /** Templates by label name. */
  readonly labels: ReadonlyMap<string, string>;
}

/** What `group_by` says for "by all labels". */
export const ALL_LABELS = "...";

export function routeCodec(grammar: MatcherGrammar): Codec<RouteConfig> {
  const route: Codec<RouteConfig> = struct<RouteConfig>(
    "config.plain",
    [
      field<RouteConfig>("receiver", "receiver", text),
      { ...field<RouteConfig>("group_by", "groupBy", optional(list(text))), omit: isWithoutGroupBy },
      field<RouteConfig>("match", "match", matchMap),
      field<RouteConfig>("match_re", "matchRe", matchRegexMap),
      field<RouteConfig>("matchers", "matchers", matchersCodec(grammar)),
      field<RouteConfig>("mute_time_intervals", "muteTimeIntervals", list(text)),
      field<RouteConfig>("active_time_intervals", "activeTimeIntervals", list(text)),
      field<RouteConfig>("continue", "continue", bool, { keep: true }),
      field<RouteConfig>("routes", "routes", list(later(() => route))),
      field<RouteConfig>("group_wait", "groupWait", optional(duration)),
      field<RouteConfig>("group_interval", "groupInterval", optional(duration)),
      field<RouteConfig>("repeat_interval", "repeatInterval", optional(duration)),
      field<RouteConfig>("labels", "labels", map(text, { type: "model.LabelSet" })),
    ],
    { check: (value, reader) => checkRoute(value, grammar, reader) },
  );
  return route;
}

function isWithoutGroupBy(value: RouteConfig): boolean {
  return (value.groupBy ?? []).length === 0;
}

/** A codec that is not made yet: the tree's nodes are read like their parents. */
function later<T>(codec: () => Codec<T>): Codec<T> {
  return {
    type: "config.Route",
    decode: (node, reader) => codec().decode(node, reader),
    zero: () => codec().zero(),
    isZero: (value) => codec().isZero(value),
    encode: (value) => codec().encode(value),
  };
}

function checkRoute(route: RouteConfig, grammar: MatcherGrammar, reader: YamlReader): void {
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(route, key), message);
  for (const name of route.labels.keys())
    if (!grammar.isLabelName(name)) invalid("labels", `invalid label name ${JSON.stringify(name)} in route labels`);
  const names = (route.groupBy ?? []).filter((name) => name !== ALL_LABELS);
  for (const name of names)
    if (!grammar.isLabelName(name)) invalid("group_by", `invalid label name ${JSON.stringify(name)} in group_by list`);
  if (names.length > 0 && route.groupBy?.includes(ALL_LABELS) === true)
    invalid("group_by", "cannot have wildcard group_by (`...`) and other labels at the same time");
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  if (repeated !== undefined) invalid("group_by", `duplicated label ${JSON.stringify(repeated)} in group_by`);
  if (route.groupInterval === 0) invalid("group_interval", "group_interval cannot be zero");
  if (route.repeatInterval === 0) invalid("repeat_interval", "repeat_interval cannot be zero");
}
