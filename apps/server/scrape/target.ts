// From what discovery found to what is scraped: the life of a target's labels.
import { compareStrings, Labels } from "@narthex/model";
import { formatDuration, parseDuration, quote } from "@narthex/toolkit";
import type { ScrapeConfig } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { isWellFormed, LabelBuilder, type Relabeler } from "../relabel/index.ts";
import { fnv64a } from "./fnv64.ts";

/** What a target's labels say about histograms: the job's settings, unless relabeling changed them. */
export interface TargetHistograms {
  readonly scrapeNative: boolean;
  readonly convertClassic: boolean;
  readonly alwaysScrapeClassic: boolean;
}

/** Labels that hold these. */
const HISTOGRAM_LABELS: Readonly<Record<keyof TargetHistograms, string>> = {
  scrapeNative: "__scrape_native_histograms__",
  convertClassic: "__convert_classic_histograms_to_nhcb__",
  alwaysScrapeClassic: "__always_scrape_classic_histograms__",
};

/** A target after relabeling. */
export interface Target {
  /** What discovery and the job said, before relabeling. */
  readonly discoveredLabels: Labels;
  /** What series get: no label that begins with `__`. */
  readonly labels: Labels;
  readonly url: URL;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** "" for none. */
  readonly unixSocket: string;
  /** Which forms of histograms are wanted of it. */
  readonly histograms: TargetHistograms;
  /** Equal for targets with the same labels (internal ones included) and URL. */
  readonly key: string;
  readonly hash: bigint;
}

/** What a job's groups came to. */
export interface PopulatedTargets {
  /** By key: two targets that come out equal are one. */
  readonly targets: ReadonlyMap<string, Target>;
  /** Labels of what relabeling dropped: of all, or as many as the job keeps. */
  readonly dropped: readonly Labels[];
  readonly droppedCount: number;
  /** Why a target could not be made: `instance 0 in group 1: no address`. */
  readonly errors: readonly string[];
}

/** What one group came to. */
interface GroupTargets {
  readonly targets: readonly Target[];
  /** Which of the group's targets relabeling dropped, and their labels if the job keeps them all. */
  readonly dropped: readonly (readonly [instance: number, labels: Labels | undefined])[];
  readonly errors: readonly (readonly [instance: number, message: string])[];
}

/** What one target of a group came to: a target, an error, or nothing when it was dropped. */
interface Outcome {
  readonly target?: Target;
  readonly error?: string;
  /** Labels of what was dropped, if the job keeps them all. */
  readonly dropped?: Labels;
}

/** What groups came to under one configuration, so that what did not change costs nothing the next time. */
export class TargetMemo {
  readonly groups: WeakMap<TargetGroup, GroupTargets> = new WeakMap();
  /** By the labels of the group, then by those of the target: the objects themselves, not what they say. */
  readonly #outcomes = new WeakMap<object, WeakMap<object, Outcome>>();

  /** Outcomes of targets in groups with these labels. */
  outcomes(ofGroup: ReadonlyMap<string, string>): WeakMap<object, Outcome> {
    let outcomes = this.#outcomes.get(ofGroup);
    if (outcomes === undefined) this.#outcomes.set(ofGroup, (outcomes = new WeakMap()));
    return outcomes;
  }
}

/** Makes the targets of a job. `relabeler` holds its `relabel_configs`; `memo` is for these two alone. */
export function populateTargets(
  groups: readonly TargetGroup[],
  config: ScrapeConfig,
  relabeler: Relabeler,
  memo: TargetMemo = new TargetMemo(),
): PopulatedTargets {
  const keptDropped = config.keepDroppedTargets > 0 ? config.keepDroppedTargets : Number.POSITIVE_INFINITY;
  const targets = new Map<string, Target>();
  const dropped: Labels[] = [];
  const errors: string[] = [];
  const ofJob = jobPairs(config);
  let droppedCount = 0;
  for (const [g, group] of groups.entries()) {
    let made = memo.groups.get(group);
    if (made === undefined) memo.groups.set(group, (made = populateGroup(group, ofJob, config, relabeler, memo)));
    for (const target of made.targets) if (!targets.has(target.key)) targets.set(target.key, target);
    for (const [i, labels] of made.dropped) {
      if (dropped.length === keptDropped) break;
      dropped.push(labels ?? discoveredLabels(sortedPairs(group.targets[i]!), sortedPairs(group.labels), ofJob));
    }
    for (const [i, message] of made.errors) errors.push(`instance ${i} in group ${g}: ${message}`);
    droppedCount += made.dropped.length;
  }
  return { targets, dropped, droppedCount, errors };
}

function populateGroup(
  group: TargetGroup,
  ofJob: SortedPairs,
  config: ScrapeConfig,
  relabeler: Relabeler,
  memo: TargetMemo,
): GroupTargets {
  const outcomes = memo.outcomes(group.labels);
  const targets: Target[] = [];
  const dropped: [number, Labels | undefined][] = [];
  const errors: [number, string][] = [];
  const builder = new LabelBuilder();
  let ofGroup: SortedPairs | undefined;
  for (const [i, found] of group.targets.entries()) {
    let outcome = outcomes.get(found);
    if (outcome === undefined) {
      ofGroup ??= sortedPairs(group.labels);
      const discovered = discoveredLabels(sortedPairs(found), ofGroup, ofJob);
      outcome = outcomeOf(discovered, config, relabeler, builder);
      outcomes.set(found, outcome);
    }
    if (outcome.target !== undefined) targets.push(outcome.target);
    else if (outcome.error !== undefined) errors.push([i, outcome.error]);
    else dropped.push([i, outcome.dropped]);
  }
  return { targets, dropped, errors };
}

function outcomeOf(discovered: Labels, config: ScrapeConfig, relabeler: Relabeler, builder: LabelBuilder): Outcome {
  builder.reset(discovered);
  // Jobs that keep but a few of what they drop do so for the memory: the labels of these few are made again.
  if (!relabeler.applyTo(builder)) return config.keepDroppedTargets > 0 ? {} : { dropped: discovered };
  try {
    return { target: makeTarget(discovered, builder, config) };
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    return { error: error.message };
  }
}

/** A target's labels do not make a target. */
class TargetError extends Error {
  override readonly name = "TargetError";
}

/** Names and values in turn, sorted by name. */
type SortedPairs = readonly string[];

function sortedPairs(labels: ReadonlyMap<string, string>): SortedPairs {
  const names = [...labels.keys()];
  // Only surrogates make the order of units another than that of letters; the engine's own order is far quicker.
  if (!names.some((name) => HAS_SURROGATES.test(name))) names.sort();
  else names.sort(compareStrings);
  const pairs = new Array<string>(names.length * 2);
  for (let i = 0; i < names.length; i++) {
    pairs[2 * i] = names[i]!;
    pairs[2 * i + 1] = labels.get(names[i]!)!;
  }
  return pairs;
}

const HAS_SURROGATES = /[\ud800-\udfff]/;

/** What a job says of targets that say nothing themselves. */
function jobPairs(config: ScrapeConfig): SortedPairs {
  const labels = new Map([
    ...[...config.params].map(([name, [first = ""]]) => [`__param_${name}`, first] as const),
    ["job", config.jobName],
    ["__scrape_interval__", formatDuration(config.scrapeIntervalMs)],
    ["__scrape_timeout__", formatDuration(config.scrapeTimeoutMs)],
    ["__metrics_path__", config.metricsPath],
    ["__scheme__", config.scheme],
    [HISTOGRAM_LABELS.scrapeNative, String(config.scrapeNativeHistograms)],
    [HISTOGRAM_LABELS.convertClassic, String(config.convertClassicHistogramsToNhcb)],
    [HISTOGRAM_LABELS.alwaysScrapeClassic, String(config.alwaysScrapeClassicHistograms)],
  ]);
  return sortedPairs(labels);
}

/** A target's own labels win over those of its group; those of the job fill what is absent or empty then. */
function discoveredLabels(own: SortedPairs, ofGroup: SortedPairs, ofJob: SortedPairs): Labels {
  const pairs: string[] = [];
  let [o, g, j] = [0, 0, 0];
  for (;;) {
    let name = own[o];
    if (g < ofGroup.length && (name === undefined || compareStrings(ofGroup[g]!, name) < 0)) name = ofGroup[g];
    if (j < ofJob.length && (name === undefined || compareStrings(ofJob[j]!, name) < 0)) name = ofJob[j];
    if (name === undefined) return new Labels(pairs);
    const isOwn = own[o] === name;
    const isOfGroup = ofGroup[g] === name;
    let value = isOwn ? own[o + 1]! : isOfGroup ? ofGroup[g + 1]! : "";
    if (isOwn) o += 2;
    if (isOfGroup) g += 2;
    if (ofJob[j] === name) {
      if (value === "") value = ofJob[j + 1]!;
      j += 2;
    }
    if (value !== "") pairs.push(name, value);
  }
}

function makeTarget(discovered: Labels, builder: LabelBuilder, config: ScrapeConfig): Target {
  const address = builder.get("__address__");
  if (address === "") throw new TargetError("no address");
  if (address.includes("/")) throw new TargetError(`${quote(address)} is not a valid hostname`);
  const intervalMs = duration(builder.get("__scrape_interval__"), "interval");
  const timeoutMs = duration(builder.get("__scrape_timeout__"), "timeout");
  if (timeoutMs > intervalMs) {
    throw new TargetError(
      `scrape timeout cannot be greater than scrape interval (${quote(builder.get("__scrape_timeout__"))} > ${quote(builder.get("__scrape_interval__"))})`,
    );
  }
  if (builder.get("instance") === "") builder.set("instance", address);
  const all = withoutPrefix(builder.labels(), "__meta_");
  for (const [name, value] of all) {
    if (!isWellFormed(value)) throw new TargetError(`invalid label value for ${quote(name)}: ${quote(value)}`);
  }
  const url = targetUrl(all, config.params);
  const labelHash = fnv64a(all.key);
  const hash = fnv64a(String(labelHash).padStart(16, "0") + url.href);
  return {
    discoveredLabels: discovered,
    labels: withoutPrefix(all, "__"),
    url,
    intervalMs,
    timeoutMs,
    unixSocket: all.get("__unix_socket__"),
    histograms: {
      scrapeNative: flag(all.get(HISTOGRAM_LABELS.scrapeNative), HISTOGRAM_LABELS.scrapeNative),
      convertClassic: flag(all.get(HISTOGRAM_LABELS.convertClassic), HISTOGRAM_LABELS.convertClassic),
      alwaysScrapeClassic: flag(all.get(HISTOGRAM_LABELS.alwaysScrapeClassic), HISTOGRAM_LABELS.alwaysScrapeClassic),
    },
    key: `${all.key}\xff\xff${url.href}`,
    hash,
  };
}

function withoutPrefix({ pairs }: Labels, prefix: string): Labels {
  const kept: string[] = [];
  for (let i = 0; i < pairs.length; i += 2) if (!pairs[i]!.startsWith(prefix)) kept.push(pairs[i]!, pairs[i + 1]!);
  return new Labels(kept);
}

const FLAGS: ReadonlyMap<string, boolean> = new Map(
  ["1", "t", "T", "TRUE", "true", "True"]
    .map((text): [string, boolean] => [text, true])
    .concat(["0", "f", "F", "FALSE", "false", "False", ""].map((text) => [text, false])),
);

function flag(text: string, label: string): boolean {
  const value = FLAGS.get(text);
  if (value === undefined) throw new TargetError(`error parsing ${label}: ${quote(text)} is neither true nor false`);
  return value;
}

function duration(text: string, what: "interval" | "timeout"): number {
  let ms: number;
  try {
    ms = parseDuration(text);
  } catch (error) {
    throw new TargetError(`error parsing scrape ${what}: ${(error as Error).message}`);
  }
  if (ms === 0) throw new TargetError(`scrape ${what} cannot be 0`);
  return ms;
}

/** Scheme, address, path and parameters; `__param_x` replaces the first value of `x`, names come sorted. */
function targetUrl(labels: Labels, params: ScrapeConfig["params"]): URL {
  const values = new Map([...params].map(([name, all]) => [name, [...all]]));
  for (const [label, value] of labels) {
    if (!label.startsWith("__param_")) continue;
    const name = label.slice("__param_".length);
    const known = values.get(name);
    if (known === undefined || known.length === 0) values.set(name, [value]);
    else known[0] = value;
  }
  const scheme = labels.get("__scheme__") || "http";
  const text = `${scheme}://${labels.get("__address__")}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new TargetError(`parse ${quote(text)}: invalid address`, { cause: error });
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new TargetError(`unsupported scheme ${quote(scheme)}`);
  }
  const [path = "", query] = splitOnce(labels.get("__metrics_path__"), "?");
  url.pathname = path;
  // A question mark in the path is part of the path, as it is in the reference.
  if (query !== undefined) url.pathname += `%3F${query}`;
  for (const name of [...values.keys()].sort()) {
    for (const value of values.get(name) as string[]) url.searchParams.append(name, value);
  }
  return url;
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * When the target's next scrape is due: the first moment from `nowMs` on that lies `(hash XOR seed) mod interval` after a
 * multiple of the interval since the epoch. So a target keeps its phase over restarts, and replicas have different ones.
 */
export function nextScrapeTime(target: Pick<Target, "hash" | "intervalMs">, seed: bigint, nowMs: number): number {
  const { intervalMs } = target;
  const phase = Number((target.hash ^ seed) % (BigInt(intervalMs) * 1_000_000n)) / 1e6;
  const base = Math.floor(nowMs / intervalMs) * intervalMs;
  const due = base + phase;
  return due >= nowMs ? due : due + intervalMs;
}
