// Access tokens of Azure: for a client's secret, a managed identity or a workload identity. Source: Microsoft identity
// platform, "OAuth 2.0 client credentials flow"; Azure Instance Metadata Service; Azure Workload Identity.
import { readFileSync } from "node:fs";
import type { ApiClient, ApiRequest, Secret } from "@narthex/toolkit";
import { tokenOf } from "./oauth-answer.ts";
import { type FreshToken, TokenCache } from "./token-cache.ts";

const METADATA = "http://169.254.169.254";
const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TIMEOUT_MS = 30_000;
const LIMIT_BYTES = 1 << 20;

/** Who asks: exactly one way. */
export type AzureIdentity =
  /** A client and its secret. */
  | { readonly kind: "secret"; readonly tenantId: string; readonly clientId: string; readonly clientSecret: Secret }
  /** The identity of the machine or service; "" for the only one it has. */
  | { readonly kind: "managed"; readonly clientId: string }
  /** The identity of a Kubernetes pod, by a token in a file; "" takes the value from the environment. */
  | { readonly kind: "workload"; readonly tenantId: string; readonly clientId: string }
  /** Whatever the environment offers first: a client's secret, a workload identity, a managed identity. */
  | { readonly kind: "default"; readonly tenantId: string };

/** Where and for whom tokens are asked for. */
export interface AzureTokenOptions {
  /** URL of the authority, without a slash at its end; `AZURE_AUTHORITY_HOST` of the environment counts for workloads. */
  readonly authority: string;
  /** Whom the tokens are meant for, without `/.default`. */
  readonly audience: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly client: ApiClient;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The tokens of one identity for one audience. */
export class AzureTokenSource {
  readonly #options: AzureTokenOptions;
  readonly #identity: AzureIdentity;
  readonly #cache: TokenCache;

  constructor(identity: AzureIdentity, options: AzureTokenOptions) {
    this.#options = options;
    this.#identity = identity;
    this.#cache = new TokenCache(options.now, (signal) => this.#fetch(this.#identity, signal));
  }

  /** The `Authorization` header's token. Throws when there is none to be had. */
  token(signal: AbortSignal): Promise<string> {
    return this.#cache.get(signal);
  }

  #fetch(identity: AzureIdentity, signal: AbortSignal): Promise<FreshToken> {
    switch (identity.kind) {
      case "secret":
        return this.#bySecret(identity.tenantId, identity.clientId, identity.clientSecret.reveal(), signal);
      case "managed":
        return this.#managed(identity.clientId, signal);
      case "workload":
        return this.#workload(identity.tenantId, identity.clientId, signal);
      case "default":
        return this.#firstOf(identity.tenantId, signal);
    }
  }

  #firstOf(tenant: string, signal: AbortSignal): Promise<FreshToken> {
    const text = (name: string) => this.#options.environment[name] ?? "";
    const tenantId = tenant || text("AZURE_TENANT_ID");
    const clientId = text("AZURE_CLIENT_ID");
    const secret = text("AZURE_CLIENT_SECRET");
    if (tenantId !== "" && clientId !== "" && secret !== "") return this.#bySecret(tenantId, clientId, secret, signal);
    if (text("AZURE_FEDERATED_TOKEN_FILE") !== "") return this.#workload(tenantId, clientId, signal);
    return this.#managed(clientId, signal);
  }

  #bySecret(tenantId: string, clientId: string, secret: string, signal: AbortSignal): Promise<FreshToken> {
    return this.#post(this.#options.authority, tenantId, { client_id: clientId, client_secret: secret }, signal);
  }

  #workload(tenant: string, client: string, signal: AbortSignal): Promise<FreshToken> {
    const { environment, authority } = this.#options;
    const tenantId = tenant || (environment["AZURE_TENANT_ID"] ?? "");
    const clientId = client || (environment["AZURE_CLIENT_ID"] ?? "");
    const file = environment["AZURE_FEDERATED_TOKEN_FILE"] ?? "";
    for (const [value, what] of [
      [clientId, "no client ID specified. Check pod configuration or set AZURE_CLIENT_ID"],
      [tenantId, "no tenant ID specified. Check pod configuration or set AZURE_TENANT_ID"],
      [file, "no token file specified. Check pod configuration or set AZURE_FEDERATED_TOKEN_FILE"],
    ]) {
      if (value === "") throw new Error(what);
    }
    const form = {
      client_id: clientId,
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: readFileSync(file, "utf8").trim(),
    };
    return this.#post(environment["AZURE_AUTHORITY_HOST"] || authority, tenantId, form, signal);
  }

  async #managed(clientId: string, signal: AbortSignal): Promise<FreshToken> {
    const { audience, environment, client } = this.#options;
    const service = environment["IDENTITY_ENDPOINT"] ?? "";
    const secret = environment["IDENTITY_HEADER"] ?? "";
    const isService = service !== "" && secret !== "";
    const machine = environment["AZURE_POD_IDENTITY_AUTHORITY_HOST"] || METADATA;
    const url = new URL(isService ? service : `${machine.replace(/\/+$/, "")}/metadata/identity/oauth2/token`);
    url.searchParams.set("api-version", isService ? "2019-08-01" : "2018-02-01");
    url.searchParams.set("resource", audience);
    if (clientId !== "") url.searchParams.set("client_id", clientId);
    const headers: Record<string, string> = isService ? { "X-IDENTITY-HEADER": secret } : { Metadata: "true" };
    const limits = { timeoutMs: TIMEOUT_MS, limitBytes: LIMIT_BYTES };
    const request: ApiRequest = { url, headers, secrets: [secret], ...limits, signal };
    return tokenOf(await client.ask(request), request);
  }

  async #post(
    authority: string,
    tenantId: string,
    form: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<FreshToken> {
    const { audience, client } = this.#options;
    const params = { ...form, grant_type: "client_credentials", scope: `${audience}/.default` };
    const request: ApiRequest = {
      url: new URL(`${authority.replace(/\/+$/, "")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`),
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" },
      body: new URLSearchParams(params).toString(),
      secrets: [form["client_secret"] ?? "", form["client_assertion"] ?? ""],
      timeoutMs: TIMEOUT_MS,
      limitBytes: LIMIT_BYTES,
      signal,
    };
    return tokenOf(await client.ask(request), request);
  }
}
