// Asking an HTTP API: whole answers of bounded size, or a body as it comes in. Connections, TLS, proxies and
// credentials are those of every client; methods, statuses and headers are the caller's business.
import http, { type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import type { HttpClientConfig } from "../http-client/config.ts";
import { isCredentialHeader, withoutCredentials } from "../http-client/credential-headers.ts";
import { requestErrorText } from "../http-client/error-text.ts";
import { TokenSource } from "../http-client/oauth2.ts";
import { ownHeaders } from "../http-client/own-headers.ts";
import { Router } from "../http-client/route.ts";
import { openRequest } from "../http-client/routed-request.ts";
import { SECRET_MASK } from "../secret/secret.ts";
import { ApiError } from "./api-error.ts";
import { BodyDecoder } from "./body-decoder.ts";
import { parseJson } from "./bounded-json.ts";

/** A whole answer may have so many bytes after decompression, unless the request says less: 64 MiB. */
export const MAX_ANSWER_BYTES: number = 64 << 20;
const MAX_REDIRECTS = 10;
const IDLE_CONNECTION_MS = 5 * 60 * 1000;
const SHORTEST_SECRET = 4;
/** Enough for the reason in an answer that is an error. */
const REASON_BYTES = 4096;
const KEEP_ALIVE_PROBE_MS = 30_000;

/** One question. */
export interface ApiRequest {
  readonly url: URL;
  /** Standard: GET. Only GET follows redirects. */
  readonly method?: "GET" | "POST" | "PUT";
  /** Beside those of the client's own configuration, which win. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Texts in `body` that no message may show, even when the server sends them back. Those in headers are known. */
  readonly secrets?: readonly string[];
  /** For connecting, sending, and the whole answer. */
  readonly timeoutMs: number;
  /** Standard, and most there may be: `MAX_ANSWER_BYTES`. */
  readonly limitBytes?: number;
  /** Ends the request early. */
  readonly signal: AbortSignal;
}

/** A whole answer, whatever its status. */
export interface ApiAnswer {
  readonly status: number;
  readonly statusText: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What an answer is handed to. Both may throw: that ends the request with this error. */
interface BodySink {
  head(status: number, statusText: string, headers: IncomingHttpHeaders): void;
  /** Bytes of the decompressed body; theirs only during the call. */
  data(bytes: Buffer): void;
}

/** Where and how connections are made. */
export interface ApiClientOptions {
  /** Path of a Unix socket to connect to, whatever the URL's host. Standard: none. */
  readonly unixSocket?: string;
  /** Where proxies may be named. Standard: the process's. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** The connections to one API. Everything that keeps an answer from arriving is thrown as an `ApiError`. */
export class ApiClient {
  readonly #config: HttpClientConfig;
  readonly #router: Router;
  readonly #tokens: TokenSource | undefined;
  readonly #unixSocket: string;
  readonly #agent = new http.Agent({ keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: "lifo" });

  constructor(config: HttpClientConfig, options: ApiClientOptions = {}) {
    const environment = options.environment ?? process.env;
    this.#config = config;
    this.#router = new Router(config.tls, config.proxy, undefined, environment);
    this.#unixSocket = options.unixSocket ?? "";
    if (config.oauth2 !== undefined) this.#tokens = new TokenSource(config.oauth2, undefined, environment);
  }

  /** Asks, and waits for the whole answer. In answers that are errors, credentials that come back are masked. */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    const limit = Math.min(request.limitBytes ?? MAX_ANSWER_BYTES, MAX_ANSWER_BYTES);
    const chunks: Buffer[] = [];
    let length = 0;
    let answer: Omit<ApiAnswer, "text"> = { status: 0, statusText: "", headers: {} };
    const mask = await this.#exchange(request, {
      head: (status, statusText, headers) => {
        answer = { status, statusText, headers };
      },
      data: (bytes) => {
        length += bytes.length;
        if (length > limit) throw new Error(`answer has more than ${limit} bytes`);
        // Copies what it keeps: small chunks would otherwise hold on to the large buffers they were cut from.
        chunks.push(bytes.length < bytes.buffer.byteLength / 2 ? Buffer.from(bytes) : bytes);
      },
    });
    const text = Buffer.concat(chunks, length).toString("utf8");
    return { ...answer, text: answer.status < 400 ? text : mask(text) };
  }

  /** Asks, and wants a JSON value with status 200. */
  async askJson(request: ApiRequest): Promise<unknown> {
    const answer = await this.ask({ ...request, headers: { Accept: "application/json", ...request.headers } });
    return jsonOf(answer, request);
  }

  /**
   * Asks, and hands on the body of an answer with status 200 as it arrives; resolves at its end. An answer with another
   * status is thrown, as an `ApiError` that names it. `begun` hears of the status first.
   */
  async stream(request: ApiRequest, data: (bytes: Buffer) => void, begun: (status: number) => void): Promise<void> {
    const answer = { status: 0, statusText: "", headers: {}, text: "" };
    const mask = await this.#exchange(request, {
      head: (status, statusText) => {
        answer.status = status;
        answer.statusText = statusText;
        begun(status);
      },
      data: (bytes) => {
        if (answer.status === 200) data(bytes);
        else if (answer.text.length < REASON_BYTES) answer.text += bytes.toString("utf8", 0, REASON_BYTES);
      },
    });
    if (answer.status !== 200) throw statusError({ ...answer, text: mask(answer.text) }, request);
  }

  /** Closes all connections. Requests in flight fail. */
  close(): void {
    this.#agent.destroy();
    this.#router.close();
    this.#tokens?.close();
  }

  /** One question and its answer, redirects included; resolves to what masks the credentials that were sent. */
  async #exchange(request: ApiRequest, sink: BodySink): Promise<(text: string) => string> {
    const deadline = performance.now() + request.timeoutMs;
    let { url } = request;
    try {
      let headers = await this.#headers(request, deadline);
      const mask = maskOf(headers, request.secrets ?? []);
      for (let redirects = 0; ; redirects++) {
        const location = await this.#onceOrTwice({ ...request, url, headers, deadline, sink });
        if (location === undefined) return mask;
        if (redirects === MAX_REDIRECTS) throw new Error(`stopped after ${MAX_REDIRECTS} redirects`);
        const next = new URL(location, url);
        if (next.host !== url.host) headers = withoutCredentials(headers);
        url = next;
      }
    } catch (error) {
      if (error instanceof ApiError) throw error;
      throw new ApiError(failureText(request, url, error), { cause: error });
    }
  }

  async #headers(request: ApiRequest, deadline: number): Promise<Record<string, string | string[]>> {
    const headers: Record<string, string | string[]> = { ...request.headers, ...ownHeaders(this.#config) };
    if (this.#tokens !== undefined) headers["Authorization"] = await this.#tokens.header(deadline);
    const { username, password } = request.url;
    if ((username !== "" || password !== "") && headers["Authorization"] === undefined) {
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      headers["Authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
    }
    return headers;
  }

  async #onceOrTwice(exchange: Exchange): Promise<string | undefined> {
    try {
      return await this.#once(exchange);
    } catch (error) {
      // A kept-alive connection that the server had closed meanwhile says nothing about the server: try a new one.
      if (!(error instanceof StaleConnection) || exchange.signal.aborted) throw error;
      return this.#once(exchange);
    }
  }

  /** Resolves to where a redirect points, to undefined at the end of any other answer. */
  #once(exchange: Exchange): Promise<string | undefined> {
    const { method = "GET", body, signal, sink, deadline } = exchange;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new Error("context canceled"));
        return;
      }
      const request = this.#open(exchange);
      let gotHead = false;
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const fail = (error: unknown) => {
        settle();
        const { code } = error as NodeJS.ErrnoException;
        const isStale =
          !gotHead && method === "GET" && request.reusedSocket && (code === "ECONNRESET" || code === "EPIPE");
        reject(isStale ? new StaleConnection("stale connection", { cause: error }) : error);
        request.destroy();
      };
      const onAbort = () => fail(new Error("context canceled"));
      const timer = setTimeout(
        () => fail(new Error("context deadline exceeded")),
        Math.max(0, deadline - performance.now()),
      );
      signal.addEventListener("abort", onAbort);
      request.on("error", fail);
      request.on("response", (response) => {
        gotHead = true;
        const location = this.#redirect(method, response);
        if (location !== undefined) {
          settle();
          // Its body is of no use, and need not be awaited.
          request.destroy();
          resolve(location);
          return;
        }
        receive(response, sink, fail, () => {
          settle();
          resolve(undefined);
        });
      });
      // A server that vanished without a word is noticed also while nothing is said for long.
      request.setSocketKeepAlive(true, KEEP_ALIVE_PROBE_MS);
      request.end(body);
    });
  }

  #redirect(method: string, response: IncomingMessage): string | undefined {
    const { statusCode = 0, headers } = response;
    if (!this.#config.followRedirects || method !== "GET") return undefined;
    return [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
  }

  #open({ url, method = "GET", body, headers }: Exchange): http.ClientRequest {
    return openRequest(url, this.#router.to(url, this.#unixSocket), {
      method,
      agent: this.#agent,
      headers: {
        "Accept-Encoding": "gzip",
        ...headers,
        ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }),
      },
      ...(this.#unixSocket === "" ? {} : { socketPath: this.#unixSocket }),
    });
  }
}

interface Exchange extends Omit<ApiRequest, "headers"> {
  readonly headers: Record<string, string | string[]>;
  /** Monotonic milliseconds. */
  readonly deadline: number;
  readonly sink: BodySink;
}

class StaleConnection extends Error {}

function receive(response: IncomingMessage, sink: BodySink, fail: (error: unknown) => void, done: () => void): void {
  const { statusCode = 0, statusMessage = "", headers } = response;
  try {
    sink.head(statusCode, statusMessage || (http.STATUS_CODES[statusCode] ?? ""), headers);
  } catch (error) {
    fail(error);
    return;
  }
  const decoder = new BodyDecoder(headers["content-encoding"], response, {
    data: (bytes) => {
      try {
        sink.data(bytes);
      } catch (error) {
        fail(error);
      }
    },
    end: done,
    error: fail,
  });
  response.on("aborted", () => fail(new Error("unexpected EOF")));
  response.on("error", fail);
  decoder.start();
}

/** Replaces whatever of the credentials in a request's headers, or named beside them, stands in a text. */
function maskOf(
  headers: Readonly<Record<string, string | readonly string[]>>,
  secrets: readonly string[],
): (text: string) => string {
  const known = new Set(secrets);
  for (const [name, value] of Object.entries(headers)) {
    if (!isCredentialHeader(name)) continue;
    for (const text of [value].flat()) {
      known.add(text);
      const credentials = text.slice(text.indexOf(" ") + 1);
      known.add(credentials);
      if (!text.startsWith("Basic ")) continue;
      const pair = Buffer.from(credentials, "base64").toString("utf8");
      known.add(pair.slice(pair.indexOf(":") + 1));
    }
  }
  // Very short ones would mask half of every text, and are no secrets.
  const texts = [...known].filter((text) => text.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
  return (text) => texts.reduce((masked, secret) => masked.replaceAll(secret, SECRET_MASK), text);
}

/** The value of an answer with status 200. Throws an `ApiError` for any other status, and for what is no JSON. */
export function jsonOf(answer: ApiAnswer, request: ApiRequest): unknown {
  if (answer.status !== 200) throw statusError(answer, request);
  try {
    return parseJson(answer.text);
  } catch (error) {
    throw new ApiError(failureText(request, request.url, error), { cause: error });
  }
}

/** The error that says an answer has an unwanted status; with the beginning of its text, which tells why. */
export function statusError(answer: ApiAnswer, request: ApiRequest): ApiError {
  const reason = answer.text.replace(/\s+/g, " ").trim().slice(0, 200);
  const status = `server returned HTTP status ${answer.status} ${answer.statusText}`.trimEnd();
  return new ApiError(failureText(request, request.url, new Error(reason === "" ? status : `${status}: ${reason}`)), {
    status: answer.status,
  });
}

function failureText({ method = "GET" }: ApiRequest, url: URL, error: unknown): string {
  const shown = new URL(url);
  if (shown.password !== "") shown.password = "xxxxx";
  const text = requestErrorText(shown.href, error);
  return method === "GET" ? text : text.replace(/^Get/, method === "POST" ? "Post" : "Put");
}
