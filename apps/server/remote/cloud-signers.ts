// Requests signed by the rules of a cloud. Sources: the reference's `sigv4`, `storage/remote/azuread` and `googleiam`.
import { ApiClient, AwsCredentialSource, PLAIN_HTTP, type Secret, signedHeaders } from "@narthex/toolkit";
import { type AzureIdentity, AzureTokenSource } from "../cloud/azure-token.ts";
import { GoogleTokenSource } from "../cloud/google-token.ts";
import type { AzureAdConfig, GoogleIamConfig, Sigv4Config } from "../config/types.ts";
import type { RequestSigner, SignableRequest } from "./signer.ts";

/** The service that takes remote write at AWS, unless the configuration names another one. */
const AWS_SERVICE = "aps";
/** Headers that proxies may change, or that the signature itself sets. */
const UNSIGNED: ReadonlySet<string> = new Set(["authorization", "user-agent", "x-amzn-trace-id", "expect"]);
const GOOGLE_SCOPE = "https://www.googleapis.com/auth/monitoring.write";

/** Of each cloud of Azure: who gives tokens, and whom those for metrics are meant for. */
const AZURE_CLOUDS: Readonly<Record<string, { readonly authority: string; readonly audience: string }>> = {
  AzurePublic: { authority: "https://login.microsoftonline.com", audience: "https://monitor.azure.com/" },
  AzureGovernment: { authority: "https://login.microsoftonline.us", audience: "https://monitor.azure.us/" },
  AzureChina: { authority: "https://login.chinacloudapi.cn", audience: "https://monitor.azure.cn/" },
};

/** Where credentials are looked for, and what time it is in milliseconds. */
export interface SignerSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly now: () => number;
}

const HERE: SignerSurroundings = { environment: process.env, now: Date.now };

/** AWS: each request gets a signature of its own. */
export function awsSigner(config: Sigv4Config, { environment, now }: SignerSurroundings = HERE): RequestSigner {
  const client = new ApiClient(PLAIN_HTTP, { environment });
  const identity = { ...config, secretKey: config.secretKey.reveal() };
  const source = new AwsCredentialSource(identity, { environment, client, now });
  const service = config.serviceName || AWS_SERVICE;
  return closing(client, async ({ method, url, headers, body }) => {
    const { signal } = new AbortController();
    const region = await source.region(config.region, signal);
    const credentials = await source.credentials(region, signal);
    const signed: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) {
      if (!UNSIGNED.has(name.toLowerCase())) signed[name] = typeof value === "string" ? value : value.join(",");
    }
    return signedHeaders({ method, url, headers: signed, body }, credentials, { region, service, now: now() });
  });
}

/** Azure AD; undefined for certificates, which are not supported. Throws for a cloud that is not known. */
export function azureSigner(
  config: AzureAdConfig,
  { environment, now }: SignerSurroundings = HERE,
): RequestSigner | undefined {
  const identity = azureIdentity(config);
  if (identity === undefined) return undefined;
  const cloud = AZURE_CLOUDS[config.cloud || "AzurePublic"];
  if (cloud === undefined) throw new Error(`the cloud ${JSON.stringify(config.cloud)} of azuread is not known`);
  const client = new ApiClient(PLAIN_HTTP, { environment });
  const tokens = new AzureTokenSource(identity, {
    authority: cloud.authority,
    audience: config.scope === "" ? cloud.audience : config.scope.replace(/\/\.default$/, ""),
    environment,
    client,
    now,
  });
  return closing(client, async () => ({
    Authorization: `Bearer ${await tokens.token(new AbortController().signal)}`,
  }));
}

/** Google IAM. Throws for a file of credentials that cannot be used. */
export function googleSigner(
  { credentialsFile }: GoogleIamConfig,
  { environment, now }: SignerSurroundings = HERE,
): RequestSigner {
  const client = new ApiClient(PLAIN_HTTP, { environment });
  const tokens = new GoogleTokenSource(GOOGLE_SCOPE, credentialsFile, { environment, client, now });
  return closing(client, async () => ({
    Authorization: `Bearer ${await tokens.token(new AbortController().signal)}`,
  }));
}

/** A signer that asks for its credentials by `client`. */
function closing(
  client: ApiClient,
  sign: (request: SignableRequest) => Promise<Record<string, string>>,
): RequestSigner {
  return Object.assign(sign, { close: () => client.close() });
}

function azureIdentity({ managedIdentity, workloadIdentity, oauth, sdk }: AzureAdConfig): AzureIdentity | undefined {
  const text = (part: Readonly<Record<string, unknown>>, key: string): string => String(part[key] ?? "");
  if (oauth !== undefined) {
    const [tenantId, clientId] = [text(oauth, "tenantId"), text(oauth, "clientId")];
    return { kind: "secret", tenantId, clientId, clientSecret: oauth["clientSecret"] as Secret };
  }
  if (managedIdentity !== undefined) return { kind: "managed", clientId: text(managedIdentity, "clientId") };
  if (workloadIdentity !== undefined) {
    const [tenantId, clientId] = [text(workloadIdentity, "tenantId"), text(workloadIdentity, "clientId")];
    return { kind: "workload", tenantId, clientId };
  }
  return sdk === undefined ? undefined : { kind: "default", tenantId: text(sdk, "tenantId") };
}
