// The files that a configuration points to: `check config` wants those there that the reference's checker wants there.
import { readFileSync, statSync } from "node:fs";
import { glob } from "../config/glob.ts";
import type { AlertmanagerConfig, Config, DiscoveryConfig, ScrapeConfig, TlsConfig } from "../config/types.ts";
import { GroupFormatError, parseGroups } from "../discovery/group-file.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { Relabeler } from "../relabel/index.ts";
import { populateTargets } from "../scrape/target.ts";

/** What `checkFiles` found: the first thing that is wrong, or undefined, and what is only worth a warning. */
export interface FileFindings {
  readonly failure: string | undefined;
  readonly warnings: readonly string[];
}

/**
 * Looks at credentials, TLS files and targets, in the order of the configuration, up to the first fault. With `syntaxOnly`
 * no file is looked at: then only the targets that the configuration itself has.
 */
export function checkFiles(config: Config, syntaxOnly = false): FileFindings {
  const warnings: string[] = [];
  let failure: string | undefined;
  for (const job of config.allScrapeConfigs) {
    failure ??= syntaxOnly ? undefined : checkJob(job, warnings);
    failure ??= staticFault(job);
  }
  if (!syntaxOnly) {
    for (const alertmanager of config.alerting.alertmanagers) failure ??= checkAlertmanager(alertmanager, warnings);
  }
  return { failure, warnings };
}

function checkJob(job: ScrapeConfig, warnings: string[]): string | undefined {
  const { jobName, http, discovery } = job;
  return (
    missing("authorization credentials or bearer token file", http.authorization?.credentialsFile ?? "") ??
    checkTls(http.tls) ??
    checkTargetFiles(discovery, `scrape job ${JSON.stringify(jobName)}`, warnings, job)
  );
}

/** Why a target that stands in the configuration could not be scraped. */
function staticFault(job: ScrapeConfig): string | undefined {
  const groups = job.discovery.flatMap((mechanism) =>
    mechanism.kind !== "static"
      ? []
      : mechanism.groups.map(({ targets, labels, source }) => ({
          source,
          labels,
          targets: targets.map((address) => new Map([["__address__", address]])),
        })),
  );
  return targetFault(groups, job);
}

function targetFault(groups: readonly TargetGroup[], job: ScrapeConfig): string | undefined {
  return populateTargets(groups, job, new Relabeler(job.relabelConfigs)).errors[0];
}

function checkAlertmanager({ discovery }: AlertmanagerConfig, warnings: string[]): string | undefined {
  return checkTargetFiles(discovery, "alertmanager config", warnings);
}

function checkTls({ certFile, keyFile }: TlsConfig): string | undefined {
  return missing("client cert file", certFile) ?? missing("client key file", keyFile);
}

function checkTargetFiles(
  discovery: readonly DiscoveryConfig[],
  where: string,
  warnings: string[],
  job?: ScrapeConfig,
): string | undefined {
  for (const mechanism of discovery) {
    if (mechanism.kind !== "file") continue;
    for (const pattern of mechanism.files) {
      const files = glob(pattern);
      if (files.length === 0) {
        warnings.push(`file ${JSON.stringify(pattern)} for file_sd in ${where} does not exist`);
      }
      for (const file of files) {
        const fault = faultOfTargetFile(file, job);
        if (fault !== undefined) return `checking SD file ${JSON.stringify(file)}: ${fault}`;
      }
    }
  }
  return undefined;
}

function faultOfTargetFile(file: string, job: ScrapeConfig | undefined): string | undefined {
  const extension = /\.(json|ya?ml)$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === undefined) return "unexpected SD file extension";
  try {
    const groups = parseGroups(readFileSync(file, "utf8"), extension === "json" ? "json" : "yaml", file, []);
    return job === undefined ? undefined : targetFault(groups, job);
  } catch (error) {
    if (error instanceof GroupFormatError || (error as NodeJS.ErrnoException).code !== undefined)
      return (error as Error).message;
    throw error;
  }
}

/** Why a file that is named is not there; "" names none. */
function missing(what: string, file: string): string | undefined {
  if (file === "") return undefined;
  try {
    statSync(file);
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "no such file or directory" : code === "EACCES" ? "permission denied" : message;
    return `error checking ${what} ${JSON.stringify(file)}: stat ${file}: ${reason}`;
  }
}
