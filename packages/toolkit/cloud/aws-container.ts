// Credentials of a container's task or pod. Source: AWS SDKs and Tools Reference Guide, "Container credential provider".
import { readFileSync } from "node:fs";
import { type ApiClient, type ApiRequest, jsonOf } from "./api-client.ts";
import { credentialsOf, LOCAL_LIMIT_BYTES, LOCAL_TIMEOUT_MS } from "./aws-answer.ts";
import type { AwsCredentials } from "./aws-credentials.ts";

const HOST = "http://169.254.170.2";

/** Asks whoever the environment names; undefined when it names nobody. */
export async function containerCredentials(
  client: ApiClient,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<AwsCredentials | undefined> {
  const relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] ?? "";
  const full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] ?? "";
  if (relative + full === "") return undefined;
  const tokenFile = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] ?? "";
  const token = tokenFile === "" ? environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] : readFileSync(tokenFile, "utf8");
  const request: ApiRequest = {
    url: new URL(relative === "" ? full : HOST + relative),
    headers: token === undefined || token === "" ? {} : { Authorization: token.trim() },
    timeoutMs: LOCAL_TIMEOUT_MS,
    limitBytes: LOCAL_LIMIT_BYTES,
    signal,
  };
  return credentialsOf(jsonOf(await client.ask(request), request));
}
