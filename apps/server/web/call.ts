// One HTTP request on its way through a handler, and the answer to it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createDeflate, createGzip, deflateSync, gzipSync } from "node:zlib";
import { userOf } from "@narthex/toolkit";
import type { Span } from "@narthex/tracing";
import { ApiError, STATUS_BY_ERROR_TYPE } from "../api/api-error.ts";
import { Params } from "../api/params.ts";
import { ByteBudget, type ByteLease } from "../care/byte-budget.ts";
import type { QueryOrigin } from "../query/running-queries.ts";

/** Answers up to here are sent in one piece, with their length. */
const WHOLE_BYTES = 64 * 1024;
/** Up to here a body is sent together with its headers. */
const TOGETHER_BYTES = 8 * 1024;
/** A client that takes nothing for so long loses its answer, so that it cannot hold a worker. */
const STALLED_MS = 30_000;

/** For requests without a body. */
const UNBOUNDED = new ByteBudget(Number.POSITIVE_INFINITY);

/** Whether a request's body is a form, of parameters. */
export function isForm(request: IncomingMessage): boolean {
  return (request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
}

export class Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly params: Params;
  /** Parts of the path that the route names. */
  readonly pathParams: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** What the request takes of the memory for bodies; a handler grows it for what it unpacks. Given back when the handler is done. */
  readonly memory: ByteLease;
  /** Of the request, where it is traced; what is done for it are its parts. */
  span: Span | undefined;
  /** Made when somebody asks: most answers are complete before. */
  #aborted: AbortController | undefined;
  #isGone = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    pathParams: Readonly<Record<string, string>>,
    body: Buffer,
    memory: ByteLease = UNBOUNDED.lease(),
  ) {
    this.request = request;
    this.response = response;
    this.pathParams = pathParams;
    this.body = body;
    this.memory = memory;
    const url = request.url ?? "";
    const mark = url.indexOf("?");
    this.params = new Params(mark < 0 ? "" : url.slice(mark + 1), isForm(request) ? body.toString("utf8") : "");
    response.on("close", () => {
      if (!response.writableFinished) this.#leave();
    });
  }

  /** Aborts when the client goes away before its answer is complete. */
  get signal(): AbortSignal {
    if (this.#aborted === undefined) {
      this.#aborted = new AbortController();
      if (this.#isGone) this.#aborted.abort();
    }
    return this.#aborted.signal;
  }

  #leave(): void {
    this.#isGone = true;
    this.#aborted?.abort();
  }

  /** Who asks, for the query log and the list of running queries. */
  get origin(): QueryOrigin {
    const { request } = this;
    return {
      kind: "http",
      client: (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      user: userOf(request),
      userAgent: request.headers["user-agent"] ?? "",
      method: request.method ?? "",
      path: (request.url ?? "").split("?")[0] ?? "",
    };
  }

  /** The first of the client's encodings that the server has, as the reference picks it. */
  get #encoding(): "gzip" | "deflate" | undefined {
    for (const part of String(this.request.headers["accept-encoding"] ?? "").split(",")) {
      const name = part.split(";")[0]?.trim();
      if (name === "gzip" || name === "deflate") return name;
    }
    return undefined;
  }

  /** Sends a whole answer. */
  send(status: number, contentType: string, body: string | Uint8Array): void {
    const { response } = this;
    let bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    response.statusCode = status;
    response.setHeader("Content-Type", contentType);
    const encoding = this.#encoding;
    if (encoding !== undefined && bytes.length > 0) {
      response.setHeader("Content-Encoding", encoding);
      bytes = encoding === "gzip" ? gzipSync(bytes, { level: 1 }) : deflateSync(bytes, { level: 1 });
    }
    if (this.request.method === "HEAD") {
      response.setHeader("Content-Length", bytes.length);
      response.end();
    } else endWith(response, bytes);
  }

  text(status: number, body: string): void {
    this.send(status, "text/plain; charset=utf-8", body);
  }

  /** A plain-text refusal, with the header that the reference sends along. */
  refuse(status: number, message: string): void {
    this.response.setHeader("X-Content-Type-Options", "nosniff");
    this.text(status, `${message}\n`);
  }

  /** A successful API answer; without data there is nothing to say. */
  json(data: unknown, warnings: readonly string[] = []): void {
    const envelope = { status: "success", data, ...(warnings.length > 0 ? { warnings } : {}) };
    this.send(200, "application/json", JSON.stringify(envelope));
  }

  /** Nothing but a status: what the reference's handlers make of HEAD. */
  bare(status: number): void {
    this.response.statusCode = status;
    this.response.end();
  }

  noContent(): void {
    this.response.statusCode = 204;
    this.response.end();
  }

  /** A refusal of the API, whatever was thrown; its text is what the error says. */
  fail(error: unknown): void {
    const type = error instanceof ApiError ? error.type : errorTypeOf(error);
    const message = (error as Error).message.toWellFormed();
    const envelope = { status: "error", errorType: type, error: message };
    this.send(STATUS_BY_ERROR_TYPE[type], "application/json", JSON.stringify(envelope));
  }

  /** An answer whose bytes come piece by piece; `end` when all are there. */
  stream({ contentType = "application/json", encoding }: StreamOptions = {}): StreamedAnswer {
    const compression = encoding === undefined ? this.#encoding : undefined;
    const fixed = encoding === "identity" ? undefined : encoding;
    return new StreamedAnswer(this.response, { contentType, fixed, compression }, () => this.#leave());
  }
}

/**
 * Sends a whole body and its length. As one-byte characters, each of which stands for its byte, a small one leaves with the headers
 * in a single write; what is large is not worth the copy.
 */
function endWith(response: ServerResponse, body: Uint8Array): void {
  response.setHeader("Content-Length", body.length);
  if (body.length > TOGETHER_BYTES) response.end(body);
  else response.end(Buffer.from(body.buffer, body.byteOffset, body.length).toString("latin1"), "latin1");
}

function errorTypeOf(error: unknown): keyof typeof STATUS_BY_ERROR_TYPE {
  const code = (error as { code?: unknown }).code;
  return typeof code === "string" && code in STATUS_BY_ERROR_TYPE
    ? (code as keyof typeof STATUS_BY_ERROR_TYPE)
    : "internal";
}

/** What is streamed: JSON, compressed as the client likes it, unless told otherwise. */
export interface StreamOptions {
  readonly contentType?: string;
  /** The encoding that the bytes already have; `identity` for none, and none is to be added. */
  readonly encoding?: "snappy" | "identity";
}

interface StreamHeaders {
  readonly contentType: string;
  readonly fixed: string | undefined;
  readonly compression: "gzip" | "deflate" | undefined;
}

/**
 * An answer in pieces, with status 200. Up to 64 KiB are held back, so that a small answer goes out at once and an early
 * failure can still become a refusal; `started` tells whether it is too late for that.
 */
export class StreamedAnswer {
  readonly #response: ServerResponse;
  readonly #headers: StreamHeaders;
  readonly #abort: () => void;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #target: NodeJS.WritableStream | undefined;

  constructor(response: ServerResponse, headers: StreamHeaders, abort: () => void) {
    this.#response = response;
    this.#headers = headers;
    this.#abort = abort;
  }

  get started(): boolean {
    return this.#target !== undefined;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> | undefined {
    if (this.#target === undefined) {
      this.#held.push(bytes);
      this.#heldBytes += bytes.length;
      if (this.#heldBytes <= WHOLE_BYTES) return undefined;
      this.#start();
      return this.#pass(Buffer.concat(this.#held.splice(0)));
    }
    return this.#pass(bytes);
  }

  end(): void {
    if (this.#target !== undefined) {
      this.#target.end();
      return;
    }
    let body: Uint8Array = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held);
    const { compression } = this.#headers;
    this.#setHeaders();
    if (compression !== undefined && body.length > 0) {
      body = compression === "gzip" ? gzipSync(body, { level: 1 }) : deflateSync(body, { level: 1 });
    }
    endWith(this.#response, body);
  }

  /** Breaks the connection off: the only way to tell a client that an answer under way is not complete. */
  break(): void {
    this.#response.destroy();
  }

  #start(): void {
    const { compression } = this.#headers;
    this.#setHeaders();
    if (compression === undefined) {
      this.#target = this.#response;
      return;
    }
    const compressor = compression === "gzip" ? createGzip({ level: 1 }) : createDeflate({ level: 1 });
    compressor.pipe(this.#response);
    this.#target = compressor;
  }

  #setHeaders(): void {
    const { contentType, fixed, compression } = this.#headers;
    this.#response.setHeader("Content-Type", contentType);
    const encoding = fixed ?? compression;
    if (encoding !== undefined) this.#response.setHeader("Content-Encoding", encoding);
  }

  #pass(bytes: Uint8Array): Promise<void> | undefined {
    const target = this.#target as NodeJS.WritableStream;
    if (target.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const stalled = setTimeout(() => {
        this.#abort();
        this.#response.destroy();
        resolve();
      }, STALLED_MS);
      const done = (): void => {
        clearTimeout(stalled);
        target.removeListener("drain", done);
        this.#response.removeListener("close", done);
        resolve();
      };
      target.once("drain", done);
      this.#response.once("close", done);
    });
  }
}
