// What a reload changed, for the log: an operator should see at a glance that it was what they meant.
import { canonical } from "../scrape/config-key.ts";
import type { Config } from "./types.ts";

/** Names and nothing else: no value of a configuration is told, as it may be secret. */
export interface ConfigDifference {
  /** Jobs by name, each list in the order of the configuration it is from. */
  readonly jobsAdded: readonly string[];
  readonly jobsRemoved: readonly string[];
  readonly jobsChanged: readonly string[];
  /** Other top-level sections, as they are spelled in the file, in the file's order. */
  readonly sectionsChanged: readonly string[];
}

const SECTIONS: readonly (readonly [name: string, property: keyof Config])[] = [
  ["global", "global"],
  ["runtime", "runtime"],
  ["alerting", "alerting"],
  ["rule_files", "ruleFiles"],
  ["scrape_config_files", "scrapeConfigFiles"],
  ["storage", "storage"],
  ["tracing", "tracing"],
  ["remote_write", "remoteWrite"],
  ["remote_read", "remoteRead"],
  ["otlp", "otlp"],
];

/** Compares what is in force, not the text: a default that is written out changes nothing. */
export function configDifference(before: Config, after: Config): ConfigDifference {
  const old = new Map(before.allScrapeConfigs.map((job) => [job.jobName, job]));
  const jobsAdded: string[] = [];
  const jobsChanged: string[] = [];
  for (const job of after.allScrapeConfigs) {
    const earlier = old.get(job.jobName);
    old.delete(job.jobName);
    if (earlier === undefined) jobsAdded.push(job.jobName);
    else if (canonical(earlier) !== canonical(job)) jobsChanged.push(job.jobName);
  }
  const sectionsChanged = SECTIONS.filter(
    ([, property]) => canonical(before[property]) !== canonical(after[property]),
  ).map(([name]) => name);
  return { jobsAdded, jobsRemoved: [...old.keys()], jobsChanged, sectionsChanged };
}

/** Names of a list that are told in one line; a long list ends with how many more there are. */
const MAX_NAMES = 20;

/** The attributes of a log line, empty lists left out; undefined when nothing changed. */
export function differenceAttributes(difference: ConfigDifference): Readonly<Record<string, string>> | undefined {
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ["jobs_added", difference.jobsAdded],
    ["jobs_removed", difference.jobsRemoved],
    ["jobs_changed", difference.jobsChanged],
    ["sections_changed", difference.sectionsChanged],
  ];
  const told = lists.filter(([, names]) => names.length > 0);
  if (told.length === 0) return undefined;
  return Object.fromEntries(
    told.map(([key, names]) => {
      const more = names.length > MAX_NAMES ? [`and ${names.length - MAX_NAMES} more`] : [];
      return [key, [...names.slice(0, MAX_NAMES), ...more].join(", ")];
    }),
  );
}
