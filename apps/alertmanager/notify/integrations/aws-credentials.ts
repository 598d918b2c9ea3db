// Keys for AWS: from the configuration, the environment, or a profile of the shared files. Instances' own roles are not asked for.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { SigV4Config } from "../../config/receivers/sns.ts";
import type { AwsCredentials } from "./sigv4.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The keys that a configuration means. Throws when there are none. */
export function awsCredentials(config: SigV4Config, environment: Environment): AwsCredentials {
  if (config.accessKey !== "")
    return { accessKey: config.accessKey, secretKey: config.secretKey.reveal(), sessionToken: "" };
  const { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey, AWS_SESSION_TOKEN: token } = environment;
  if (config.profile === "" && accessKey !== undefined && secretKey !== undefined)
    return { accessKey, secretKey, sessionToken: token ?? "" };
  const name = config.profile || environment["AWS_PROFILE"] || "default";
  const profile = readProfile(environment["AWS_SHARED_CREDENTIALS_FILE"] ?? join(homedir(), ".aws/credentials"), name);
  if (profile?.["aws_access_key_id"] === undefined || profile["aws_secret_access_key"] === undefined)
    throw new Error(
      `no AWS credentials: set sigv4.access_key and sigv4.secret_key, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile ${JSON.stringify(name)}`,
    );
  return {
    accessKey: profile["aws_access_key_id"],
    secretKey: profile["aws_secret_access_key"],
    sessionToken: profile["aws_session_token"] ?? "",
  };
}

/** The region that a configuration means. Throws when there is none. */
export function awsRegion(config: SigV4Config, environment: Environment): string {
  const region = config.region || environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"];
  if (region !== undefined && region !== "") return region;
  throw new Error("region not configured in sns.sigv4.region or in default credentials chain");
}

function readProfile(file: string, name: string): Record<string, string> | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
  let section: string | undefined;
  const values: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const heading = /^\s*\[(?:profile\s+)?([^\]]+)\]/.exec(line);
    if (heading !== null) section = (heading[1] as string).trim();
    const pair = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (pair !== null && section === name) values[pair[1] as string] = pair[2] as string;
  }
  return values;
}
