// Speaking HTTP to receivers: TLS, proxies, credentials, redirects, and answers that are kept short.
import http from "node:http";
import {
  type HttpClientConfig,
  HttpRouter,
  openRequest,
  ownHeaders,
  requestFailure,
  TokenSource,
  withoutCredentials,
} from "@narthex/toolkit";
import { USER_AGENT } from "../build-info.ts";

const MAX_REDIRECTS = 10;
/** More of a receiver's answer is not kept; the rest is read and thrown away. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** How long a token may take when nothing else limits it. */
const TOKEN_TIMEOUT_MS = 30_000;

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

/** The connections of one integration. */
export class HttpClient {
  readonly #config: HttpClientConfig;
  readonly #router: HttpRouter;
  readonly #tokens: TokenSource | undefined;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #maxAnswerBytes: number;

  constructor(
    config: HttpClientConfig,
    environment: Readonly<Record<string, string | undefined>> = process.env,
    maxAnswerBytes: number = MAX_ANSWER_BYTES,
  ) {
    this.#config = config;
    this.#maxAnswerBytes = maxAnswerBytes;
    this.#router = new HttpRouter(config.tls, config.proxy, undefined, environment);
    if (config.oauth2 !== undefined) this.#tokens = new TokenSource(config.oauth2, undefined, environment);
  }

  /** Resolves to whatever the other side answers. Rejects, in Go's words and without the URL's secrets, when it does not. */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    let url: URL;
    try {
      url = new URL(request.url);
    } catch {
      throw new Error(`${verb(request.method)} "<redacted>": unsupported protocol scheme`);
    }
    try {
      return await this.#follow(url, request);
    } catch (error) {
      throw new Error(`${verb(request.method)} "<redacted>": ${requestFailure(error)}`, { cause: error });
    }
  }

  close(): void {
    this.#router.close();
    this.#tokens?.close();
    this.#agent.destroy();
  }

  async #follow(start: URL, request: HttpRequest): Promise<HttpAnswer> {
    let url = start;
    let asked = request;
    let own = await this.#ownHeaders();
    for (let redirects = 0; ; redirects++) {
      const { answer, location } = await this.#once(url, asked, own);
      if (location === undefined || !this.#config.followRedirects) return answer;
      if (redirects === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
      const next = new URL(location, url);
      // Credentials are for the host that they were given for, also those that an integration sends as a header of its own.
      if (next.host !== url.host) {
        own = {};
        asked = { ...asked, headers: withoutCredentials(asked.headers ?? {}) };
      }
      if (answer.status < 307 && asked.method !== "GET") {
        const { headers = {}, signal } = asked;
        asked = { method: "GET", url: asked.url, headers, signal };
      }
      url = next;
    }
  }

  async #ownHeaders(): Promise<Record<string, string | string[]>> {
    const headers = ownHeaders(this.#config);
    if (this.#tokens !== undefined)
      headers["Authorization"] = await this.#tokens.header(performance.now() + TOKEN_TIMEOUT_MS);
    return headers;
  }

  #once(
    url: URL,
    request: HttpRequest,
    own: Record<string, string | string[]>,
  ): Promise<{ answer: HttpAnswer; location: string | undefined }> {
    const { method, body, signal } = request;
    return new Promise((resolve, reject) => {
      const call = openRequest(url, this.#router.to(url, ""), {
        method,
        agent: this.#agent,
        signal,
        headers: {
          "User-Agent": USER_AGENT,
          ...request.headers,
          ...own,
          ...(body === undefined ? {} : { "Content-Length": String(Buffer.byteLength(body)) }),
        },
      });
      call.on("error", reject);
      call.on("response", (response) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        response.on("data", (part: Buffer) => {
          if (bytes < this.#maxAnswerBytes) parts.push(part.subarray(0, this.#maxAnswerBytes - bytes));
          bytes += part.length;
        });
        response.on("error", reject);
        response.on("aborted", () => reject(new Error("unexpected EOF")));
        response.on("end", () => {
          const status = response.statusCode ?? 0;
          const isRedirect = [301, 302, 303, 307, 308].includes(status);
          resolve({
            answer: {
              status,
              contentType: response.headers["content-type"] ?? "",
              text: Buffer.concat(parts).toString("utf8"),
            },
            location: isRedirect ? response.headers.location : undefined,
          });
        });
      });
      call.end(body);
    });
  }
}

/** Go writes the method of a failed request like a name. */
function verb(method: string): string {
  return method.charAt(0) + method.slice(1).toLowerCase();
}
