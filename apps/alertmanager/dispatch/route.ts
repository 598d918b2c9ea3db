// The routing tree in force: every node with what it has inherited.
import type { Labels } from "@narthex/model";
import { oldMatchers } from "../config/matchers.ts";
import { ALL_LABELS, type RouteConfig } from "../config/route.ts";
import { type LabelMatcher, matchersText, matchesAll, sortedMatchers } from "../matcher/matcher.ts";

/** What a node says about alerts that end at it. Times in milliseconds. */
export interface RouteOptions {
  readonly receiver: string;
  readonly groupBy: ReadonlySet<string>;
  readonly groupsByAll: boolean;
  readonly groupWaitMs: number;
  readonly groupIntervalMs: number;
  readonly repeatIntervalMs: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  /** Templates by label name. */
  readonly labels: ReadonlyMap<string, string>;
}

const DEFAULTS: RouteOptions = {
  receiver: "",
  groupBy: new Set(),
  groupsByAll: false,
  groupWaitMs: 30_000,
  groupIntervalMs: 300_000,
  repeatIntervalMs: 4 * 3_600_000,
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  labels: new Map(),
};

export class Route {
  readonly parent: Route | undefined;
  readonly options: RouteOptions;
  readonly matchers: readonly LabelMatcher[];
  readonly continues: boolean;
  readonly children: readonly Route[];
  /** Path of matchers from the root: `{}/{severity="page"}`. Several nodes may share one. */
  readonly key: string;
  /** The key with the child indexes in it: no two nodes share one. */
  readonly id: string;

  constructor(config: RouteConfig, parent?: Route, childIndex: number = 0) {
    this.parent = parent;
    this.options = inherit(config, parent?.options ?? DEFAULTS);
    this.matchers = sortedMatchers([...oldMatchers(config.match, config.matchRe), ...config.matchers]);
    this.continues = config.continue;
    const own = matchersText(this.matchers);
    this.key = parent === undefined ? own : `${parent.key}/${own}`;
    this.id = parent === undefined ? own : `${parent.id}/${own}/${childIndex}`;
    this.children = config.routes.map((child, i) => new Route(child, this, i));
  }

  /** The nodes at which an alert ends: depth first, left to right, up to the first child that does not continue. */
  match(labels: Labels): Route[] {
    if (!matchesAll(this.matchers, labels)) return [];
    const found: Route[] = [];
    for (const child of this.children) {
      const below = child.match(labels);
      found.push(...below);
      if (below.length > 0 && !child.continues) break;
    }
    return found.length === 0 ? [this] : found;
  }

  /** This node and all below, parents first. */
  *walk(): Generator<Route> {
    yield this;
    for (const child of this.children) yield* child.walk();
  }
}

function inherit(config: RouteConfig, from: RouteOptions): RouteOptions {
  const names = config.groupBy?.filter((name) => name !== ALL_LABELS);
  const byAll = config.groupBy?.includes(ALL_LABELS) === true;
  return {
    receiver: config.receiver || from.receiver,
    groupBy: names === undefined || byAll ? from.groupBy : new Set(names),
    groupsByAll: byAll || (names === undefined && from.groupsByAll),
    groupWaitMs: config.groupWait ?? from.groupWaitMs,
    groupIntervalMs: config.groupInterval ?? from.groupIntervalMs,
    repeatIntervalMs: config.repeatInterval ?? from.repeatIntervalMs,
    muteTimeIntervals: config.muteTimeIntervals,
    activeTimeIntervals: config.activeTimeIntervals,
    labels: config.labels.size === 0 ? from.labels : new Map([...from.labels, ...config.labels]),
  };
}
