// Tokens of OAuth 2.0: client credentials (RFC 6749, 4.4) or a signed assertion (RFC 7523).
import { createSign } from "node:crypto";
import type { OAuth2Config } from "./config.ts";
import { type DialObserver, Router, readCredential } from "./route.ts";
import { openRequest } from "./routed-request.ts";

const JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/** A token is no longer used from so long before its end. */
const EXPIRY_MARGIN_MS = 10_000;
const ASSERTION_SECONDS = 3600;
const MAX_ANSWER_BYTES = 1 << 20;

interface Token {
  readonly header: string;
  /** Monotonic milliseconds. */
  readonly expires: number;
}

/** The token of one client: fetched at need, kept until shortly before its end, asked for once at a time. */
export class TokenSource {
  readonly #config: OAuth2Config;
  readonly #router: Router;
  #token: Token | undefined;
  #secret = "";
  #pending: Promise<Token> | undefined;

  constructor(
    config: OAuth2Config,
    observe: DialObserver | undefined,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#config = config;
    this.#router = new Router(config.tls, config.proxy, observe, environment);
  }

  /** The `Authorization` header. Throws when there is no token to be had by `deadline`. */
  async header(deadline: number): Promise<string> {
    // A secret in a file may have been exchanged: then the old token is of no more use.
    const secret = this.#readSecret();
    if (secret !== this.#secret) this.#token = undefined;
    this.#secret = secret;
    if (this.#token !== undefined && performance.now() < this.#token.expires) return this.#token.header;
    this.#pending ??= this.#fetch(secret, deadline).finally(() => {
      this.#pending = undefined;
    });
    this.#token = await this.#pending;
    return this.#token.header;
  }

  close(): void {
    this.#router.close();
  }

  #readSecret(): string {
    const { grantType, clientCertificateKey, clientCertificateKeyFile, clientSecret, clientSecretFile } = this.#config;
    if (grantType === JWT_GRANT) {
      return clientCertificateKeyFile === "" ? clientCertificateKey.reveal() : readCredential(clientCertificateKeyFile);
    }
    return clientSecretFile === "" ? clientSecret.reveal() : readCredential(clientSecretFile);
  }

  async #fetch(secret: string, deadline: number): Promise<Token> {
    const { tokenUrl, grantType, scopes, endpointParams, clientId } = this.#config;
    const form = new URLSearchParams();
    const headers: Record<string, string> = { "Content-Type": "application/x-www-form-urlencoded" };
    if (grantType === JWT_GRANT) {
      form.set("grant_type", JWT_GRANT);
      form.set("assertion", this.#assertion(secret));
    } else {
      form.set("grant_type", "client_credentials");
      const credentials = `${formEncoded(clientId)}:${formEncoded(secret)}`;
      headers["Authorization"] = `Basic ${Buffer.from(credentials).toString("base64")}`;
    }
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    for (const [name, value] of endpointParams) form.set(name, value);
    try {
      const { status, text } = await this.#post(new URL(tokenUrl), form.toString(), headers, deadline);
      if (status < 200 || status > 299)
        throw new Error(`cannot fetch token: ${status}\nResponse: ${text.slice(0, 1000)}`);
      return readToken(text);
    } catch (error) {
      throw new Error(`oauth2: ${(error as Error).message}`, { cause: error });
    }
  }

  #assertion(key: string): string {
    const { clientId, clientCertificateKeyId, signatureAlgorithm, iss, audience, claims, tokenUrl, scopes } =
      this.#config;
    const algorithm = signatureAlgorithm || "RS256";
    const now = Math.floor(Date.now() / 1000);
    const header = {
      alg: algorithm,
      typ: "JWT",
      ...(clientCertificateKeyId === "" ? {} : { kid: clientCertificateKeyId }),
    };
    const payload = {
      iss: iss || clientId,
      sub: clientId,
      aud: audience || tokenUrl,
      iat: now,
      exp: now + ASSERTION_SECONDS,
      ...(scopes.length > 0 ? { scope: scopes.join(" ") } : {}),
      ...Object.fromEntries(claims),
    };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part(header)}.${part(payload)}`;
    const signature = createSign(`RSA-SHA${algorithm.slice(2)}`)
      .update(signed)
      .sign(key, "base64url");
    return `${signed}.${signature}`;
  }

  #post(
    url: URL,
    body: string,
    headers: Record<string, string>,
    deadline: number,
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const request = openRequest(url, this.#router.to(url, ""), {
        method: "POST",
        headers: { ...headers, "Content-Length": Buffer.byteLength(body) },
      });
      const timer = setTimeout(
        () => request.destroy(new Error("context deadline exceeded")),
        Math.max(0, deadline - performance.now()),
      );
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER_BYTES) request.destroy(new Error("cannot fetch token: answer too long"));
        });
        response.on("error", reject);
        response.on("end", () => {
          clearTimeout(timer);
          resolve({ status: response.statusCode ?? 0, text });
        });
      });
      request.end(body);
    });
  }
}

function readToken(text: string): Token {
  let answer: Record<string, unknown>;
  try {
    answer = JSON.parse(text) as Record<string, unknown>;
  } catch (error) {
    throw new Error("cannot parse json: answer of the token endpoint is no JSON", { cause: error });
  }
  const { access_token: token, token_type: type, expires_in: seconds } = answer ?? {};
  if (typeof token !== "string" || token === "") throw new Error("server response missing access_token");
  const lifetime = Number(seconds ?? 0);
  const kind = typeof type === "string" && type !== "" && type.toLowerCase() !== "bearer" ? type : "Bearer";
  const expires = lifetime > 0 ? performance.now() + lifetime * 1000 - EXPIRY_MARGIN_MS : Number.POSITIVE_INFINITY;
  return { header: `${kind} ${token}`, expires };
}

function formEncoded(text: string): string {
  return new URLSearchParams([["", text]]).toString().slice(1);
}
