// Taking on a role. Source: AWS Security Token Service API, 2011-06-15.
import { type ApiClient, type ApiRequest, statusError } from "./api-client.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import { awsErrorText, formBody } from "./aws-query.ts";
import { signedHeaders } from "./sigv4.ts";
import { parseXml, xmlChild, xmlText } from "./xml.ts";

const LIMITS = { timeoutMs: 30_000, limitBytes: 1 << 20 };
const SESSION_SECONDS = 900;

/** Where and as what roles are asked for. */
export interface StsOptions {
  readonly client: ApiClient;
  readonly region: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Begins the names of sessions that nobody names. Standard: prometheus. */
  readonly program?: string;
}

/** A role; "" for what is not said of it. */
export interface AwsRole {
  readonly roleArn: string;
  readonly externalId: string;
  readonly sessionName: string;
}

/** Credentials of a role, for somebody who may take it on. */
export function assumeRole(
  role: AwsRole,
  as: AwsCredentials,
  options: StsOptions,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const params = { ...roleParams(role, options), DurationSeconds: String(SESSION_SECONDS) };
  const own = role.externalId === "" ? {} : { ExternalId: role.externalId };
  return ask("AssumeRole", { ...params, ...own }, as, options, signal);
}

/** Credentials of a role, for a token that stands for it. */
export function assumeRoleWithWebIdentity(
  role: AwsRole,
  token: string,
  options: StsOptions,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const params = { ...roleParams(role, options), WebIdentityToken: token };
  return ask("AssumeRoleWithWebIdentity", params, undefined, options, signal);
}

function roleParams(
  { roleArn, sessionName }: AwsRole,
  { now, program = "prometheus" }: StsOptions,
): Record<string, string> {
  return { RoleArn: roleArn, RoleSessionName: sessionName || `${program}-${Math.floor(now())}` };
}

async function ask(
  action: string,
  params: Readonly<Record<string, string>>,
  as: AwsCredentials | undefined,
  { client, region, environment, now }: StsOptions,
  signal: AbortSignal,
): Promise<AwsCredentials> {
  const url = new URL(
    environment["AWS_ENDPOINT_URL_STS"] ||
      environment["AWS_ENDPOINT_URL"] ||
      `https://sts.${region}.${domainOf(region)}/`,
  );
  const body = formBody({ Action: action, Version: "2011-06-15", ...params });
  let headers: Record<string, string> = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
  if (as !== undefined) {
    const scope = { region, service: "sts", now: now() };
    headers = { ...headers, ...signedHeaders({ method: "POST", url, headers, body }, as, scope) };
  }
  const request: ApiRequest = {
    url,
    method: "POST",
    headers,
    body,
    ...LIMITS,
    signal,
    secrets: [params["WebIdentityToken"] ?? ""],
  };
  const answer = await client.ask(request);
  if (answer.status !== 200) {
    const reason = awsErrorText(answer.text);
    throw reason === undefined ? statusError(answer, request) : new Error(`could not take on role: ${reason}`);
  }
  const found = xmlChild(parseXml(answer.text), `${action}Result`, "Credentials");
  const text = (name: string) => (found === undefined ? "" : (xmlText(found, name) ?? ""));
  const expires = Date.parse(text("Expiration"));
  if (text("AccessKeyId") === "" || Number.isNaN(expires))
    throw new Error("could not take on role: no credentials came");
  return {
    accessKeyId: text("AccessKeyId"),
    secretAccessKey: text("SecretAccessKey"),
    sessionToken: text("SessionToken"),
    expires,
  };
}

/** The domain of a region's services. */
export function domainOf(region: string): string {
  return region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
}
