// Fetching bodies from targets over HTTP: kept-alive connections, gzip, limits, one deadline for everything.
import http from "node:http";
import { openRequest, ownHeaders, requestErrorText, TokenSource, withoutCredentials } from "@narthex/toolkit";
import type { HttpClientConfig } from "../config/types.ts";
import type { BufferPool } from "./buffer-pool.ts";
import type { DialObserver } from "./dial-metrics.ts";
import { Gunzipper } from "./gunzipper.ts";
import { bodyErrorText, gzipErrorText } from "./http-errors.ts";
import { asScrapeError, type Route, Router } from "./http-route.ts";
import { inflate } from "./inflation.ts";
import { type Connection, PlainHttp, type PlainResponse } from "./plain-http.ts";
import { ScrapeError } from "./scrape-error.ts";

/** No body may be larger than this, whatever the configuration says: 256 MiB after decompression. */
export const MAX_BODY_BYTES: number = 256 << 20;
/** Bytes that exist behind a body, for parsers that read ahead. */
export const BODY_SLACK_BYTES = 16;
/** What decompresses to more than this, or does not say to how much, does so off the main thread. */
const INLINE_GUNZIP_BYTES = 4 << 20;
const MAX_REDIRECTS = 10;

const gunzipper = new Gunzipper();
/** Room behind the output, so that a full buffer always means that more was to come. */
const SPARE_OUTPUT_BYTES = 64;

/** One request. */
export interface FetchRequest {
  readonly url: URL;
  /** Without those of the client's own configuration. */
  readonly headers: Readonly<Record<string, string>>;
  /** For connecting, sending, and reading the body. */
  readonly timeoutMs: number;
  /** A decompressed body of so many bytes or more fails; 0 leaves it at `MAX_BODY_BYTES`. */
  readonly bodyLimitBytes: number;
  /** Whether this target's last body was too large: then others' bodies come first where they wait for each other. */
  readonly isSuspect?: boolean;
  /** Path of a Unix socket to connect to instead of the URL's host; "" for none. */
  readonly unixSocket: string;
  /** Ends the request early. */
  readonly signal: AbortSignal;
}

/** A body in memory of the pool: `bytes[0, length)`, with slack behind. Call `release` when it was read. */
export interface FetchedBody {
  readonly bytes: Uint8Array;
  readonly length: number;
  readonly contentType: string;
  release(): void;
}

/** The connections of one job. Throws a `ScrapeError` for whatever keeps a body from arriving. */
export class HttpClient {
  readonly #config: HttpClientConfig;
  readonly #pool: BufferPool;
  readonly #plain: PlainHttp;
  readonly #router: Router;
  readonly #tokens: TokenSource | undefined;

  /** `observe` sees every connection that is made; `environment` is where proxies may be named. */
  constructor(
    config: HttpClientConfig,
    pool: BufferPool,
    observe?: DialObserver,
    environment: Readonly<Record<string, string | undefined>> = process.env,
  ) {
    this.#config = config;
    this.#pool = pool;
    this.#plain = new PlainHttp(observe);
    this.#router = new Router(config.tls, config.proxy, observe, environment);
    if (config.oauth2 !== undefined) this.#tokens = new TokenSource(config.oauth2, observe, environment);
  }

  async fetch(request: FetchRequest): Promise<FetchedBody> {
    let { url } = request;
    const deadline = performance.now() + request.timeoutMs;
    let headers = { ...request.headers, ...asScrapeError(() => ownHeaders(this.#config)) };
    if (this.#tokens !== undefined) headers["Authorization"] = await this.#token(this.#tokens, url, deadline);
    for (let redirects = 0; ; redirects++) {
      const outcome = await this.#once(url, headers, request, deadline);
      if (!("location" in outcome)) return outcome;
      const next = new URL(outcome.location, url);
      if (redirects === MAX_REDIRECTS) {
        throw new ScrapeError(requestErrorText(next.href, new Error(`stopped after ${MAX_REDIRECTS} redirects`)));
      }
      if (next.host !== url.host) headers = withoutCredentials(headers);
      const referer = refererFor(url, next);
      if (referer !== undefined) headers = { ...headers, Referer: referer };
      url = next;
    }
  }

  /** Closes all connections. Requests in flight fail. */
  close(): void {
    this.#plain.close();
    this.#router.close();
    this.#tokens?.close();
  }

  async #token(tokens: TokenSource, url: URL, deadline: number): Promise<string> {
    try {
      return await tokens.header(deadline);
    } catch (error) {
      throw new ScrapeError(requestErrorText(url.href, error), "other", { cause: error });
    }
  }

  async #once(
    url: URL,
    headers: Record<string, string | string[]>,
    request: FetchRequest,
    deadline: number,
  ): Promise<FetchedBody | { location: string }> {
    for (let attempt = 0; ; attempt++) {
      const exchange = new Exchange(this.#pool, url, request, this.#config.followRedirects);
      try {
        const route = this.#router.to(url, request.unixSocket);
        return await exchange.run(this.#plain, route, { ...headers, ...route.headers }, deadline);
      } catch (error) {
        // A kept-alive connection that the target had closed meanwhile says nothing about the target: try a new one.
        if (attempt === 0 && exchange.failedOnStaleConnection && !request.signal.aborted) continue;
        throw error;
      }
    }
  }
}

type Done = (response: PlainResponse) => void;
type Fail = (error: unknown, reused?: boolean) => void;

/** One request and its response on one connection. */
class Exchange {
  readonly #pool: BufferPool;
  readonly #url: URL;
  readonly #request: FetchRequest;
  readonly #limit: number;
  readonly #followsRedirects: boolean;
  #buffer: Uint8Array | undefined;
  #length = 0;
  #gotHeaders = false;
  failedOnStaleConnection = false;

  constructor(pool: BufferPool, url: URL, request: FetchRequest, followsRedirects: boolean) {
    this.#pool = pool;
    this.#url = url;
    this.#request = request;
    this.#followsRedirects = followsRedirects;
    const { bodyLimitBytes } = request;
    this.#limit = bodyLimitBytes > 0 ? Math.min(bodyLimitBytes - 1, MAX_BODY_BYTES) : MAX_BODY_BYTES;
  }

  async run(
    plain: PlainHttp,
    route: Route,
    headers: Record<string, string | string[]>,
    deadline: number,
  ): Promise<FetchedBody | { location: string }> {
    try {
      const response = await this.#exchange(plain, route, headers, deadline);
      const { statusCode, statusMessage } = response;
      const location = response.headers.location;
      if (this.#followsRedirects && [301, 302, 303, 307, 308].includes(statusCode) && location !== undefined) {
        return { location };
      }
      if (statusCode !== 200) {
        const text = statusMessage === "" ? http.STATUS_CODES[statusCode] : statusMessage;
        throw new ScrapeError(`server returned HTTP status ${statusCode} ${text ?? ""}`.trimEnd());
      }
      if (response.headers["content-encoding"] === "gzip") await this.#decompress(deadline);
      return this.#body(response.headers["content-type"] ?? "");
    } catch (error) {
      this.#giveBack();
      throw error;
    }
  }

  #exchange(
    plain: PlainHttp,
    route: Route,
    headers: Record<string, string | string[]>,
    deadline: number,
  ): Promise<PlainResponse> {
    const { signal } = this.#request;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      let cancel = () => {};
      const settle = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const fail = (error: unknown, reused = false) => {
        settle();
        cancel();
        const { code } = error as NodeJS.ErrnoException;
        this.failedOnStaleConnection = !this.#gotHeaders && reused && (code === "ECONNRESET" || code === "EPIPE");
        if (error instanceof ScrapeError) reject(error);
        else reject(new ScrapeError(this.#gotHeaders ? bodyErrorText(error) : requestErrorText(this.#url.href, error)));
      };
      const onAbort = () => fail(new Error("context canceled"));
      if (signal.aborted) {
        onAbort();
        return;
      }
      timer = setTimeout(() => fail(new Error("context deadline exceeded")), Math.max(0, deadline - performance.now()));
      signal.addEventListener("abort", onAbort);
      const done = (response: PlainResponse) => {
        settle();
        resolve(response);
      };
      if (route.agent === undefined) cancel = this.#sendPlain(plain, route.proxy, headers, done, fail);
      else cancel = this.#sendByAgent(route.agent, route.proxy, headers, done, fail);
    });
  }

  #sendPlain(
    plain: PlainHttp,
    proxy: URL | undefined,
    headers: Record<string, string | string[]>,
    done: Done,
    fail: Fail,
  ): () => void {
    let connection: Connection | undefined;
    connection = plain.send({
      url: this.#url,
      proxy,
      headers,
      unixSocket: this.#request.unixSocket,
      onHead: () => {
        this.#gotHeaders = true;
      },
      onData: (bytes) => this.#take(bytes),
      onEnd: done,
      onError: (error) => fail(error, connection?.isReused ?? false),
    });
    return () => connection?.abandon();
  }

  #sendByAgent(
    agent: http.Agent,
    proxy: URL | undefined,
    headers: Record<string, string | string[]>,
    done: Done,
    fail: Fail,
  ): () => void {
    const { unixSocket } = this.#request;
    const request = openRequest(
      this.#url,
      { agent, proxy, headers: {} },
      { headers, ...(unixSocket === "" ? {} : { socketPath: unixSocket }) },
    );
    request.on("error", (error) => fail(error, request.reusedSocket));
    request.on("response", (response) => {
      this.#gotHeaders = true;
      response.on("error", fail);
      response.on("aborted", () => fail(new Error("aborted")));
      response.on("data", (chunk: Buffer) => {
        try {
          this.#take(chunk);
        } catch (error) {
          fail(error);
        }
      });
      response.on("end", () => {
        const { statusCode = 0, statusMessage = "" } = response;
        const single: Record<string, string> = {};
        for (const [name, value] of Object.entries(response.headers))
          if (value !== undefined) single[name] = String(value);
        done({ statusCode, statusMessage, headers: single });
      });
    });
    request.end();
    return () => request.destroy();
  }

  #take(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    // What is compressed cannot become smaller, so the limit holds for both.
    if (needed > this.#limit) throw bodyTooLarge();
    const buffer = this.#buffer;
    if (buffer === undefined) {
      this.#buffer = this.#pool.take(needed + BODY_SLACK_BYTES);
    } else if (needed + BODY_SLACK_BYTES > buffer.length) {
      this.#buffer = this.#pool.take(needed + BODY_SLACK_BYTES);
      this.#buffer.set(buffer.subarray(0, this.#length));
      this.#pool.give(buffer);
    }
    this.#buffer!.set(chunk, this.#length);
    this.#length = needed;
  }

  async #decompress(deadline: number): Promise<void> {
    const compressed = this.#buffer?.subarray(0, this.#length) ?? new Uint8Array(0);
    // The last four bytes say how much comes out, if the body is one gzip member and does not lie.
    const view = new DataView(compressed.buffer, compressed.byteOffset, compressed.byteLength);
    const expected = compressed.length < 18 ? 0 : view.getUint32(compressed.length - 4, true);
    if (this.#decompressInPlace(compressed, expected)) {
      if (performance.now() > deadline) throw new ScrapeError("context deadline exceeded");
      return;
    }
    // What came is read from here, while the buffer for what comes out grows.
    const source = this.#buffer;
    this.#buffer = undefined;
    this.#length = 0;
    try {
      await inflate(compressed, (piece) => this.#take(piece), deadline, this.#request.isSuspect === true);
    } catch (error) {
      throw error instanceof ScrapeError ? error : new ScrapeError(gzipErrorText(error, compressed.length));
    } finally {
      if (source !== undefined) this.#pool.give(source);
    }
  }

  /** The usual case: a body of moderate size that says its length truly, into a pooled buffer. */
  #decompressInPlace(compressed: Uint8Array, expected: number): boolean {
    if (expected === 0 || expected > Math.min(this.#limit, INLINE_GUNZIP_BYTES)) return false;
    const buffer = this.#pool.take(expected + SPARE_OUTPUT_BYTES + BODY_SLACK_BYTES);
    let length: number | undefined;
    try {
      length = gunzipper.gunzip(compressed, buffer.subarray(0, expected + SPARE_OUTPUT_BYTES));
    } catch (error) {
      this.#pool.give(buffer);
      throw new ScrapeError(gzipErrorText(error, compressed.length));
    }
    if (length !== expected) {
      this.#pool.give(buffer);
      return false;
    }
    this.#giveBack();
    this.#buffer = buffer;
    this.#length = length;
    return true;
  }

  #body(contentType: string): FetchedBody {
    const pooled = this.#buffer;
    const bytes = pooled ?? new Uint8Array(BODY_SLACK_BYTES);
    return {
      bytes,
      length: this.#length,
      contentType,
      release: () => {
        if (pooled !== undefined) this.#pool.give(pooled);
      },
    };
  }

  #giveBack(): void {
    if (this.#buffer !== undefined) this.#pool.give(this.#buffer);
    this.#buffer = undefined;
  }
}

function bodyTooLarge(): ScrapeError {
  return new ScrapeError("body size limit exceeded", "body_size_limit");
}

/** Where a redirect came from, as the reference's client tells it: without credentials, and never from TLS to plain text. */
function refererFor(from: URL, to: URL): string | undefined {
  if (from.protocol === "https:" && to.protocol === "http:") return undefined;
  const { protocol, host, pathname, search } = from;
  return `${protocol}//${host}${pathname}${search}`;
}
