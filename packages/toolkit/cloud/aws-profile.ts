// The files in which AWS tools keep profiles: `~/.aws/credentials` and `~/.aws/config`. Source: AWS SDKs and Tools
// Reference Guide, "Shared config and credentials files".
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** A profile; "" for what it does not say. */
export interface AwsProfile {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly region: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly sessionName: string;
  readonly sourceProfile: string;
  readonly credentialSource: string;
  /** Of a token that stands for a role. */
  readonly tokenFile: string;
  /** A way to credentials that is not supported here. */
  readonly unsupported: string;
}

/** Reads a profile from both files; credentials win. Files that are not there are empty. Throws for other failures. */
export function readAwsProfile(name: string, environment: Readonly<Record<string, string | undefined>>): AwsProfile {
  const folder = join(environment["HOME"] ?? homedir(), ".aws");
  const config = read(environment["AWS_CONFIG_FILE"] || join(folder, "config"));
  const credentials = read(environment["AWS_SHARED_CREDENTIALS_FILE"] || join(folder, "credentials"));
  const keys = new Map([
    ...(config.get(name === "default" ? "default" : `profile ${name}`) ?? []),
    ...(name === "default" ? (config.get("profile default") ?? []) : []),
    ...(credentials.get(name) ?? []),
  ]);
  const text = (key: string) => keys.get(key) ?? "";
  return {
    name,
    accessKeyId: text("aws_access_key_id"),
    secretAccessKey: text("aws_secret_access_key"),
    sessionToken: text("aws_session_token"),
    region: text("region"),
    roleArn: text("role_arn"),
    externalId: text("external_id"),
    sessionName: text("role_session_name"),
    sourceProfile: text("source_profile"),
    credentialSource: text("credential_source"),
    tokenFile: text("web_identity_token_file"),
    unsupported: ["credential_process", "sso_session", "sso_start_url"].find((key) => keys.has(key)) ?? "",
  };
}

/** Sections and their keys, in lower case. */
function read(path: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const sections = new Map<string, Map<string, string>>();
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return sections;
    throw error;
  }
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    // Lines that begin with space belong to the value above, which is a list of settings of no interest here.
    if (/^\s*([#;]|$)|^\s/.test(line)) continue;
    const section = /^\[\s*([^\]]+?)\s*\]/.exec(line)?.[1]?.replace(/\s+/g, " ");
    if (section !== undefined) {
      current = sections.get(section) ?? new Map<string, string>();
      sections.set(section, current);
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 0) continue;
    const value = line.slice(equals + 1).replace(/\s[#;].*$/, "");
    current.set(line.slice(0, equals).trim().toLowerCase(), value.trim());
  }
  return sections;
}
