// Posts requests to a remote storage: kept-alive connections, TLS, authentication, proxies, redirects, one deadline.
import { lookup } from "node:dns";
import http from "node:http";
import type { LookupFunction } from "node:net";
import { openRequest, ownHeaders, requestErrorText, TokenSource, withoutCredentials } from "@narthex/toolkit";
import type { HttpClientConfig } from "../config/types.ts";
import type { DialObserver } from "../scrape/dial-metrics.ts";
import { Router } from "../scrape/http-route.ts";
import { RemoteResponse } from "./remote-response.ts";
import type { RequestSigner } from "./signer.ts";

const IDLE_CONNECTION_MS = 5 * 60 * 1000;
const MAX_REDIRECTS = 10;
/** Longer timers overflow Node's, and would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface RemoteClientOptions {
  readonly url: URL;
  readonly http: HttpClientConfig;
  /** Headers of the configuration's own `headers` key. */
  readonly headers: ReadonlyMap<string, string>;
  /** Connections go to all addresses of the host's name, by chance. */
  readonly roundRobinDns?: boolean;
  /** Closed with the client. */
  readonly signer?: RequestSigner | undefined;
  readonly observe?: DialObserver | undefined;
  /** Where proxies may be named; the process's unless told. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** A request that got no answer: the network's fault, or the deadline's. */
export class RemoteRequestError extends Error {
  override readonly name = "RemoteRequestError";
  readonly code = "remote_request_failed";
}

/** The connections to one endpoint. */
export class RemoteClient {
  readonly #options: RemoteClientOptions;
  readonly #router: Router;
  readonly #agent: http.Agent;
  readonly #tokens: TokenSource | undefined;
  /** Requests whose `end` was not called yet. */
  #inFlight = 0;
  #isClosing = false;

  constructor(options: RemoteClientOptions) {
    const { environment = process.env, observe } = options;
    const { tls, proxy, oauth2 } = options.http;
    this.#options = options;
    this.#router = new Router(tls, proxy, observe, environment);
    this.#agent = new PlainAgent(observe);
    if (oauth2 !== undefined) this.#tokens = new TokenSource(oauth2, observe, environment);
  }

  /**
   * Resolves when the head of the response is there; follows redirects as configured. Rejects with a `RemoteRequestError`. The
   * deadline holds for the body too: when it passes (or `signal` aborts), reading the body fails.
   */
  async post(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<RemoteResponse> {
    this.#inFlight++;
    try {
      const response = await this.#post(body, headers, timeoutMs, signal);
      return new RemoteResponse(response.message, () => {
        response.end();
        this.#leave();
      });
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  /** Closes all connections, as soon as no request is on them any more. */
  close(): void {
    this.#isClosing = true;
    this.#closeWhenIdle();
  }

  #leave(): void {
    this.#inFlight--;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (!this.#isClosing || this.#inFlight > 0) return;
    this.#router.close();
    this.#agent.destroy();
    this.#tokens?.close();
    this.#options.signer?.close?.();
  }

  async #post(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<RemoteResponse> {
    const { signer, headers: own } = this.#options;
    const deadline = performance.now() + timeoutMs;
    let { url } = this.#options;
    let all: Record<string, string | string[]>;
    try {
      all = { ...headers, ...Object.fromEntries(own), ...ownHeaders(this.#options.http) };
      if (this.#tokens !== undefined) all["Authorization"] = await this.#tokens.header(deadline);
      if (signer !== undefined) Object.assign(all, await signer({ method: "POST", url, headers: all, body }));
    } catch (error) {
      throw new RemoteRequestError(requestErrorText(url.href, error, "Post"), { cause: error });
    }
    let payload: Uint8Array | undefined = body;
    for (let redirects = 0; ; redirects++) {
      const response = await this.#once(url, payload, all, deadline, signal);
      const { headers: answered } = response.message;
      const isRedirect = [301, 302, 303, 307, 308].includes(response.status) && answered.location !== undefined;
      if (!this.#options.http.followRedirects || !isRedirect) return response;
      response.end();
      const next = new URL(answered.location as string, url);
      if (redirects === MAX_REDIRECTS) {
        throw new RemoteRequestError(
          requestErrorText(next.href, new Error(`stopped after ${MAX_REDIRECTS} redirects`), "Post"),
        );
      }
      // As every client does it: only 307 and 308 ask for the same again.
      if (response.status < 307) payload = undefined;
      if (next.host !== url.host) all = withoutCredentials(all);
      url = next;
    }
  }

  async #once(
    url: URL,
    body: Uint8Array | undefined,
    headers: Record<string, string | string[]>,
    deadline: number,
    signal: AbortSignal,
  ): Promise<RemoteResponse> {
    for (let attempt = 0; ; attempt++) {
      const found = await this.#attempt(url, body, headers, deadline, signal);
      if (!(found instanceof StaleConnection)) return found;
      // A kept-alive connection that the receiver had closed meanwhile says nothing about it: once, a new one is tried.
      if (attempt > 0) throw new RemoteRequestError(requestErrorText(url.href, found.error, "Post"));
    }
  }

  #attempt(
    url: URL,
    body: Uint8Array | undefined,
    headers: Record<string, string | string[]>,
    deadline: number,
    signal: AbortSignal,
  ): Promise<RemoteResponse | StaleConnection> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void =>
        reject(new RemoteRequestError(requestErrorText(url.href, error, "Post"), { cause: error }));
      let request: http.ClientRequest;
      try {
        request = this.#request(url, body, headers);
      } catch (error) {
        fail(error);
        return;
      }
      let message: http.IncomingMessage | undefined;
      const abort = (error: Error): void => {
        if (message !== undefined) message.destroy(error);
        request.destroy(error);
      };
      const onAbort = (): void => abort(new Error("context canceled"));
      const timer = setTimeout(
        () => abort(new Error("context deadline exceeded")),
        Math.min(MAX_TIMER_MS, Math.max(0, deadline - performance.now())),
      );
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort);
      request.on("error", (error: NodeJS.ErrnoException) => {
        if (message !== undefined) return;
        settle();
        const isStale = request.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
        if (isStale) resolve(new StaleConnection(error));
        else fail(error);
      });
      request.on("response", (answer) => {
        message = answer;
        // Whoever reads the body sees its errors; where nobody does any more, they are nobody's.
        answer.on("error", () => {});
        const end = (): void => {
          settle();
          if (!answer.readableEnded) answer.destroy();
        };
        resolve(new RemoteResponse(answer, end));
      });
      request.end(body);
    });
  }

  #request(url: URL, body: Uint8Array | undefined, headers: Record<string, string | string[]>): http.ClientRequest {
    return openRequest(url, this.#router.to(url, ""), {
      method: body === undefined ? "GET" : "POST",
      agent: this.#agent,
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Length": body.length }) },
      ...(this.#options.roundRobinDns === true ? { lookup: anyAddress } : {}),
    });
  }
}

class StaleConnection {
  readonly error: Error;

  constructor(error: Error) {
    this.error = error;
  }
}

class PlainAgent extends http.Agent {
  readonly #observe: DialObserver | undefined;

  constructor(observe: DialObserver | undefined) {
    super({ keepAlive: true, timeout: IDLE_CONNECTION_MS, scheduling: "lifo", noDelay: true });
    this.#observe = observe;
  }

  override createConnection(
    ...args: Parameters<http.Agent["createConnection"]>
  ): ReturnType<http.Agent["createConnection"]> {
    const socket = super.createConnection(...args);
    if (socket !== undefined && socket !== null) this.#observe?.(socket as never);
    return socket;
  }
}

/** One of a name's addresses, by chance. */
const anyAddress: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null || addresses.length === 0) {
      callback(error ?? new Error(`no address for ${hostname}`), "");
      return;
    }
    const chosen = addresses[Math.floor(Math.random() * addresses.length)] as (typeof addresses)[number];
    if (options.all === true) callback(null, [chosen]);
    else callback(null, chosen.address, chosen.family);
  });
};
