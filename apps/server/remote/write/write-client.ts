// One attempt at sending a remote write request, and what its answer means.
import type { IncomingMessage } from "node:http";
import type { Span } from "@narthex/tracing";
import type { RemoteWriteConfig } from "../../config/types.ts";
import type { DialObserver } from "../../scrape/dial-metrics.ts";
import { RemoteClient, RemoteRequestError } from "../remote-client.ts";
import type { RemoteResponse } from "../remote-response.ts";
import type { RequestSigner } from "../signer.ts";
import { RemoteWriteMessage } from "../wire.ts";

/** So much of an answer goes into the log. */
const MAX_ERROR_BYTES = 1024;

/** What the receiver says it wrote. */
export interface WrittenCounts {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** Whether it said so at all. */
  readonly isConfirmed: boolean;
}

export const NOTHING_WRITTEN: WrittenCounts = { samples: 0, histograms: 0, exemplars: 0, isConfirmed: false };

/** What became of an attempt. `retry`: the same may work later, after `retryAfterMs` where the receiver asked for it (else 0). */
export type SendOutcome =
  | { readonly kind: "sent"; readonly written: WrittenCounts }
  | { readonly kind: "retry"; readonly error: string; readonly retryAfterMs: number; readonly written: WrittenCounts }
  | { readonly kind: "failed"; readonly error: string; readonly written: WrittenCounts };

export interface WriteClientOptions {
  readonly config: RemoteWriteConfig;
  /** For the User-Agent header. */
  readonly version: string;
  readonly signer?: RequestSigner | undefined;
  readonly observe?: DialObserver | undefined;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** Sends to one endpoint. */
export class WriteClient {
  readonly #client: RemoteClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #retriesOn429: boolean;
  readonly #now: () => number;

  constructor({ config, version, signer, observe, now }: WriteClientOptions) {
    this.#client = new RemoteClient({
      url: new URL(config.url.reveal()),
      http: config.http,
      headers: config.headers,
      roundRobinDns: config.roundRobinDns,
      signer,
      observe,
    });
    const isV1 = config.protobufMessage === RemoteWriteMessage.v1;
    this.#headers = {
      "Content-Encoding": "snappy",
      "Content-Type": isV1 ? "application/x-protobuf" : `application/x-protobuf;proto=${config.protobufMessage}`,
      "User-Agent": `Prometheus/${version}`,
      "X-Prometheus-Remote-Write-Version": isV1 ? "0.1.0" : "2.0.0",
    };
    this.#timeoutMs = config.remoteTimeoutMs;
    this.#retriesOn429 = config.queue.retryOnHttp429;
    this.#now = now;
  }

  /** Never rejects. `attempt` counts from 0. `parent` is the attempt's span, where it is traced. */
  send(body: Uint8Array, attempt: number, signal: AbortSignal, parent?: Span): Promise<SendOutcome> {
    const headers = attempt === 0 ? this.#headers : { ...this.#headers, "Retry-Attempt": String(attempt) };
    if (parent === undefined) return this.#send(body, headers, signal);
    return this.#sendTraced(body, { ...headers }, signal, parent.child("Remote Store", { kind: "client" }));
  }

  /** Closes all connections, as soon as no request is on them any more. */
  close(): void {
    this.#client.close();
  }

  async #sendTraced(
    body: Uint8Array,
    headers: Record<string, string>,
    signal: AbortSignal,
    span: Span,
  ): Promise<SendOutcome> {
    span.tell(headers);
    const outcome = await this.#send(body, headers, signal, span);
    if (outcome.kind !== "sent") span.fail(outcome.error);
    span.end();
    return outcome;
  }

  async #send(
    body: Uint8Array,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    span?: Span,
  ): Promise<SendOutcome> {
    try {
      const response = await this.#client.post(body, headers, this.#timeoutMs, signal);
      span?.set("http.response.status_code", response.status);
      try {
        return await this.#judge(response);
      } finally {
        response.end();
      }
    } catch (error) {
      const text = error instanceof RemoteRequestError ? error.message : String(error);
      return { kind: "retry", error: text, retryAfterMs: 0, written: NOTHING_WRITTEN };
    }
  }

  async #judge(response: RemoteResponse): Promise<SendOutcome> {
    const { status, statusText, message } = response;
    const written = writtenCounts(message.headers);
    const text = await response.readStart(MAX_ERROR_BYTES);
    if (response.isGood) return { kind: "sent", written };
    const error = `server returned HTTP status ${statusText}: ${text}`;
    if (Math.floor(status / 100) === 5 || (this.#retriesOn429 && status === 429)) {
      return { kind: "retry", error, retryAfterMs: retryAfter(message.headers["retry-after"], this.#now()), written };
    }
    return { kind: "failed", error, written };
  }
}

const WRITTEN = "x-prometheus-remote-write-";

function writtenCounts(headers: IncomingMessage["headers"]): WrittenCounts {
  const read = (name: string): number | undefined => {
    const text = headers[`${WRITTEN}${name}-written`];
    return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  };
  const [samples, histograms, exemplars] = [read("samples"), read("histograms"), read("exemplars")];
  return {
    samples: samples ?? 0,
    histograms: histograms ?? 0,
    exemplars: exemplars ?? 0,
    isConfirmed: samples !== undefined || histograms !== undefined || exemplars !== undefined,
  };
}

/** Milliseconds that a `Retry-After` header asks for: seconds, or a date. 0 for none, and for moments that are past. */
export function retryAfter(text: string | undefined, now: number): number {
  if (text === undefined) return 0;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? 0 : Math.max(0, Math.floor((date - now) / 1000) * 1000);
}
