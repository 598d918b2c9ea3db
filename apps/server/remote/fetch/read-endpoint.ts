// One server that is read from: when it is asked, what it is asked, and what its answer is.
import type { IncomingMessage } from "node:http";
import { type Labels, Matcher } from "@narthex/model";
import { formatDuration } from "@narthex/toolkit";
import type { Span } from "@narthex/tracing";
import type { ByteBudget } from "../../care/byte-budget.ts";
import type { RemoteReadConfig } from "../../config/types.ts";
import type { DialObserver } from "../../scrape/dial-metrics.ts";
import { RemoteClient } from "../remote-client.ts";
import type { FetchedAnswer } from "./fetched.ts";
import type { ReadMetrics } from "./read-metrics.ts";
import { encodeReadRequest, type ReadQuery } from "./read-query.ts";

/** So much of one answer is taken; what a query holds of all answers is bounded by its budget. */
export const MAX_ANSWER_BYTES: number = 512 * 1024 * 1024;
/** So much of a refusal is told. */
const MAX_ERROR_BYTES = 4096;
const STREAMED = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";

export interface ReadEndpointOptions {
  readonly name: string;
  readonly config: RemoteReadConfig;
  readonly externalLabels: Labels;
  /** For the User-Agent header. */
  readonly version: string;
  readonly metrics: ReadMetrics;
  readonly observe?: DialObserver | undefined;
}

export class ReadEndpoint {
  readonly name: string;
  /** Without its password. */
  readonly url: string;
  readonly #options: ReadEndpointOptions;
  readonly #external: Labels | undefined;
  #config: RemoteReadConfig;
  #client: RemoteClient;

  constructor(options: ReadEndpointOptions) {
    const { config } = options;
    this.name = options.name;
    this.url = config.url.toString();
    this.#config = config;
    this.#options = options;
    this.#external = config.filterExternalLabels ? options.externalLabels : undefined;
    this.#client = this.#connect(config);
  }

  /** Takes over a configuration that differs in secrets, at most. What is being asked is still asked with the old ones. */
  renew(config: RemoteReadConfig): void {
    const old = this.#client;
    this.#config = config;
    this.#client = this.#connect(config);
    old.close();
  }

  /**
   * What of a query that looks at `minTime` to `maxTime` (milliseconds) is asked here, given that local storage has everything from
   * `localStart` on; undefined for nothing.
   */
  clip(query: ReadQuery, minTime: number, localStart: number): ReadQuery | undefined {
    const { readRecent, requiredMatchers } = this.#config;
    if (!readRecent && minTime > localStart) return undefined;
    for (const [name, value] of requiredMatchers) {
      const isThere = query.matchers.some(
        (matcher) => matcher.type === "=" && matcher.name === name && matcher.value === value,
      );
      if (!isThere) return undefined;
    }
    const maxTime = readRecent ? query.maxTime : Math.min(query.maxTime, localStart);
    return query.minTime > maxTime ? undefined : { ...query, maxTime };
  }

  /**
   * Never rejects: what goes wrong is told in the answer. What is read is taken from `budget`, and stays taken if it is answered. `parent`
   * is the query's span, where it is traced.
   */
  async ask(query: ReadQuery, budget: ByteBudget, signal: AbortSignal, parent?: Span): Promise<FetchedAnswer> {
    const { metrics } = this.#options;
    metrics.began(this);
    const span = parent?.child("Remote Read", { kind: "client" });
    try {
      return await this.#ask(query, budget, signal, span);
    } catch (error) {
      span?.fail(error);
      return failed(`remote_read: ${(error as Error).message}`);
    } finally {
      span?.end();
      metrics.ended(this);
    }
  }

  /** Closes all connections, as soon as no answer comes over them any more. */
  close(): void {
    this.#client.close();
  }

  #connect({ url, http, headers }: RemoteReadConfig): RemoteClient {
    return new RemoteClient({ url: new URL(url.reveal()), http, headers, observe: this.#options.observe });
  }

  async #ask(
    query: ReadQuery,
    budget: ByteBudget,
    signal: AbortSignal,
    span: Span | undefined,
  ): Promise<FetchedAnswer> {
    const { metrics, version } = this.#options;
    const { remoteTimeoutMs, chunkedReadLimitBytes } = this.#config;
    const { matchers, stripped } = this.#withExternalLabels(query.matchers);
    const body = encodeReadRequest({ ...query, matchers });
    const headers = {
      "Content-Encoding": "snappy",
      "Accept-Encoding": "snappy",
      "Content-Type": "application/x-protobuf",
      "User-Agent": `Prometheus/${version}`,
      "X-Prometheus-Remote-Read-Version": "0.1.0",
    };
    span?.tell(headers);
    span?.set("remote_name", this.name);
    span?.set("remote_url", this.url);
    const began = performance.now();
    const late = `: request timed out after ${formatDuration(remoteTimeoutMs)}`;
    const response = await this.#client.post(body, headers, remoteTimeoutMs, signal).catch((error: Error) => {
      const isLate = error.message.endsWith("context deadline exceeded");
      throw new Error(`error sending request: ${error.message}${isLate ? late : ""}`);
    });
    try {
      const { message, status, statusText } = response;
      span?.set("http.response.status_code", status);
      if (!response.isGood) {
        const text = await response.readStart(MAX_ERROR_BYTES);
        throw new Error(
          `remote server ${this.url} returned http status ${statusText}: ${text.replace(/^\n+|\n+$/g, "")}`,
        );
      }
      const type = message.headers["content-type"] ?? "";
      const form = type.startsWith("application/x-protobuf")
        ? "samples"
        : type.startsWith(STREAMED)
          ? "chunks"
          : undefined;
      const kind = form === "samples" ? "sampled" : form === "chunks" ? "chunked" : "unsupported";
      metrics.answered(this, kind, (performance.now() - began) / 1000);
      if (form === undefined) {
        metrics.done(this, kind, String(status));
        throw new Error(`unsupported content type: ${type}`);
      }
      try {
        const bytes = await readWhole(message, budget);
        metrics.done(this, kind, String(status));
        const limitBytes = form === "chunks" ? chunkedReadLimitBytes : MAX_ANSWER_BYTES;
        return { form, bytes, error: "", stripped, limitBytes };
      } catch (error) {
        metrics.done(this, kind, form === "chunks" ? "aborted_stream" : String(status));
        const text = (error as Error).message === "aborted" ? "unexpected EOF" : (error as Error).message;
        throw new Error(`error reading response: ${text}${text === "context deadline exceeded" ? late : ""}`);
      }
    } finally {
      response.end();
    }
  }

  /** Asks for what the other server has of this one: its external labels are said wherever the query does not speak of them. */
  #withExternalLabels(own: readonly Matcher[]): { matchers: readonly Matcher[]; stripped: readonly string[] } {
    const matchers = [...own];
    const stripped: string[] = [];
    for (const [name, value] of this.#external ?? []) {
      if (own.some((matcher) => matcher.name === name)) continue;
      matchers.push(new Matcher("=", name, value));
      stripped.push(name);
    }
    return { matchers, stripped };
  }
}

function failed(error: string): FetchedAnswer {
  return { form: "failed", bytes: new Uint8Array(0), error, stripped: [], limitBytes: 0 };
}

/** The whole body, in memory of its own. Each piece is taken from `budget` as it comes; a body that fails gives its bytes back. */
async function readWhole(message: IncomingMessage, budget: ByteBudget): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of message as AsyncIterable<Buffer>) {
      if (length + piece.length > MAX_ANSWER_BYTES) {
        throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`);
      }
      if (!budget.take(piece.length)) {
        throw new Error(`the answers to one query have more than ${budget.limitBytes} bytes`);
      }
      length += piece.length;
      pieces.push(piece);
    }
  } catch (error) {
    budget.give(length);
    throw error;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
