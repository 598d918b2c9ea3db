// Access tokens of Google Cloud by "application default credentials": a file that the environment or gcloud names, or
// the metadata server of the machine. Source: Google Cloud documentation, "How Application Default Credentials works".

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ApiClient, type ApiRequest, type JsonObject, objectOf, textOf } from "@narthex/toolkit";
import { tokenOf } from "./oauth-answer.ts";
import { signedAssertion } from "./signed-assertion.ts";
import { type FreshToken, TokenCache } from "./token-cache.ts";

const JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const METADATA_HOST = "169.254.169.254";
const ASSERTION_SECONDS = 3600;
const TIMEOUT_MS = 30_000;
const LIMIT_BYTES = 1 << 20;

/** Where credentials are looked for. */
export interface GoogleSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly client: ApiClient;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** The tokens of one identity for one scope. */
export class GoogleTokenSource {
  readonly #scope: string;
  readonly #surroundings: GoogleSurroundings;
  readonly #credentials: JsonObject | undefined;
  readonly #cache: TokenCache;

  /**
   * `file` holds credentials; "" to look for them. Throws for a file that cannot be read and for credentials of a kind
   * that is not supported; without a file the metadata server is asked at the first token.
   */
  constructor(scope: string, file: string, surroundings: GoogleSurroundings) {
    this.#scope = scope;
    this.#surroundings = surroundings;
    this.#credentials = readCredentials(file, surroundings.environment);
    this.#cache = new TokenCache(surroundings.now, (signal) => this.#fetch(signal));
  }

  /** The `Authorization` header's token. Throws when there is none to be had. */
  token(signal: AbortSignal): Promise<string> {
    return this.#cache.get(signal);
  }

  #fetch(signal: AbortSignal): Promise<FreshToken> {
    const credentials = this.#credentials;
    if (credentials === undefined) return this.#ofMachine(signal);
    return textOf(credentials["type"], "type") === "service_account"
      ? this.#ofServiceAccount(credentials, signal)
      : this.#ofUser(credentials, signal);
  }

  #ofServiceAccount(credentials: JsonObject, signal: AbortSignal): Promise<FreshToken> {
    const text = (name: string) => textOf(credentials[name], name);
    const audience = text("token_uri") || TOKEN_URL;
    const now = Math.floor(this.#surroundings.now() / 1000);
    const payload = {
      iss: text("client_email"),
      scope: this.#scope,
      aud: audience,
      iat: now,
      exp: now + ASSERTION_SECONDS,
    };
    const assertion = signedAssertion({ kid: text("private_key_id") }, payload, text("private_key"));
    return this.#post(audience, { grant_type: JWT_GRANT, assertion }, signal);
  }

  #ofUser(credentials: JsonObject, signal: AbortSignal): Promise<FreshToken> {
    const text = (name: string) => textOf(credentials[name], name);
    const form = {
      grant_type: "refresh_token",
      client_id: text("client_id"),
      client_secret: text("client_secret"),
      refresh_token: text("refresh_token"),
    };
    return this.#post(text("token_uri") || TOKEN_URL, form, signal);
  }

  async #ofMachine(signal: AbortSignal): Promise<FreshToken> {
    const { client, environment } = this.#surroundings;
    const host = environment["GCE_METADATA_HOST"] || METADATA_HOST;
    const url = new URL(`http://${host}/computeMetadata/v1/instance/service-accounts/default/token`);
    url.searchParams.set("scopes", this.#scope);
    const headers = { "Metadata-Flavor": "Google" };
    const request: ApiRequest = { url, headers, timeoutMs: TIMEOUT_MS, limitBytes: LIMIT_BYTES, signal };
    return tokenOf(await client.ask(request), request);
  }

  async #post(url: string, form: Readonly<Record<string, string>>, signal: AbortSignal): Promise<FreshToken> {
    const request: ApiRequest = {
      url: new URL(url),
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" },
      body: new URLSearchParams(form).toString(),
      secrets: ["assertion", "client_secret", "refresh_token"].map((name) => form[name] ?? ""),
      timeoutMs: TIMEOUT_MS,
      limitBytes: LIMIT_BYTES,
      signal,
    };
    return tokenOf(await this.#surroundings.client.ask(request), request);
  }
}

function readCredentials(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): JsonObject | undefined {
  const named = file || (environment["GOOGLE_APPLICATION_CREDENTIALS"] ?? "");
  const folder = environment["CLOUDSDK_CONFIG"] || join(environment["HOME"] ?? homedir(), ".config/gcloud");
  const path = named || join(folder, "application_default_credentials.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (named === "" && (error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`cannot read Google credentials: ${(error as Error).message}`, { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // The parser's message would quote the file.
    throw new Error(`Google credentials in ${path} are no valid JSON`, { cause: error });
  }
  const credentials = objectOf(value, "Google credentials");
  const type = textOf(credentials["type"], "type");
  if (type !== "service_account" && type !== "authorized_user") {
    throw new Error(`Google credentials of type ${JSON.stringify(type)} are not supported: use a service account`);
  }
  return credentials;
}
