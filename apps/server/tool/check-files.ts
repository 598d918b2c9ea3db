// The files that a configuration points to: `check config` wants those there that the reference's checker wants there.
import { readFileSync, statSync } from "node:fs";
import { glob } from "../config/glob.ts";
import type { AlertmanagerConfig, Config, DiscoveryConfig, ScrapeConfig, TlsConfig } from "../config/types.ts";
import { GroupFormatError, parseGroups } from "../discovery/group-file.ts";

/** What `checkFiles` found: the first thing that is wrong, or undefined, and what is only worth a warning. */
export interface FileFindings {
  readonly failure: string | undefined;
  readonly warnings: readonly string[];
}

/** Looks at credentials, TLS files and files of targets, in the order of the configuration, up to the first fault. */
export function checkFiles(config: Config): FileFindings {
  const warnings: string[] = [];
  let failure: string | undefined;
  for (const job of config.allScrapeConfigs) failure ??= checkJob(job, warnings);
  for (const alertmanager of config.alerting.alertmanagers) failure ??= checkAlertmanager(alertmanager, warnings);
  return { failure, warnings };
}

function checkJob({ jobName, http, discovery }: ScrapeConfig, warnings: string[]): string | undefined {
  return (
    missing("authorization credentials or bearer token file", http.authorization?.credentialsFile ?? "") ??
    checkTls(http.tls) ??
    checkTargetFiles(discovery, `scrape job ${JSON.stringify(jobName)}`, warnings)
  );
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
): string | undefined {
  for (const mechanism of discovery) {
    if (mechanism.kind !== "file") continue;
    for (const pattern of mechanism.files) {
      const files = glob(pattern);
      if (files.length === 0) {
        warnings.push(`file ${JSON.stringify(pattern)} for file_sd in ${where} does not exist`);
      }
      for (const file of files) {
        const fault = faultOfTargetFile(file);
        if (fault !== undefined) return `checking SD file ${JSON.stringify(file)}: ${fault}`;
      }
    }
  }
  return undefined;
}

function faultOfTargetFile(file: string): string | undefined {
  const extension = /\.(json|ya?ml)$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === undefined) return "unexpected SD file extension";
  try {
    parseGroups(readFileSync(file, "utf8"), extension === "json" ? "json" : "yaml", file, []);
    return undefined;
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
