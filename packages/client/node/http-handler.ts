// Serving metrics with node:http.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { type Duplex, finished, pipeline, Readable } from "node:stream";
import { pipeline as pipelined } from "node:stream/promises";
import * as zlib from "node:zlib";
import type { ContentEncoding } from "../http/encoding.ts";
import { ExpositionHandler, type HandlerOptions } from "../http/exposition-handler.ts";

/** Zstandard came to Node later. */
const createZstd = (zlib as { createZstdCompress?: () => Duplex }).createZstdCompress;
const ENCODINGS: readonly ContentEncoding[] = createZstd === undefined ? ["gzip"] : ["zstd", "gzip"];

/** An answer that whoever asked for it sends. */
export interface StreamedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Compressed already, if the headers say so. To be read to its end or destroyed. Undefined for an answer without a body. */
  readonly body: Readable | undefined;
}

/**
 * What `httpHandler` answers, for frameworks that send streams themselves; `?name[]=` restricts it to some metrics. Rejects only with
 * `errorHandling: "throw"`.
 */
export function streamHandler(options: HandlerOptions = {}): (request: IncomingMessage) => Promise<StreamedAnswer> {
  const handler = new ExpositionHandler(options, ENCODINGS);
  return async (request) => {
    const { status, headers, body, encoding, done } = await handler.answer({
      method: request.method ?? "GET",
      accept: request.headers.accept,
      acceptEncoding: headerText(request.headers["accept-encoding"]),
      names: namesOf(request.url ?? "/"),
    });
    if (body === undefined) {
      done();
      return { status, headers, body: undefined };
    }
    const plain = Readable.from(body, { objectMode: false });
    if (encoding === undefined) {
      finished(plain, (error) => done(error != null));
      return { status, headers, body: plain };
    }
    return { status, headers, body: pipeline(plain, compressor(encoding), (error) => done(error != null)) };
  };
}

/**
 * A listener for node:http and whatever passes its requests on: `createServer(httpHandler())`, `app.get("/metrics", httpHandler())`.
 * Serves whatever the path is; `?name[]=` restricts it to some metrics. Rejects, with nothing sent, only with `errorHandling: "throw"`.
 */
export function httpHandler(
  options: HandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const answer = streamHandler(options);
  return async (request, response) => {
    const { status, headers, body } = await answer(request);
    try {
      response.writeHead(status, headers);
      if (body === undefined) response.end();
      else await pipelined(body, response);
    } catch {
      // The client went away; there is nobody left to tell.
      body?.destroy();
      response.destroy();
    }
  };
}

/** Where and how `startHttpServer` listens. */
export interface MetricsServerOptions extends HandlerOptions {
  /** 0 for any that is free. */
  readonly port: number;
  /** All addresses unless given. */
  readonly host?: string;
  /** "/metrics" unless given; all other paths are answered 404. */
  readonly path?: string;
  /** Key, certificate and the like: then it speaks HTTPS. */
  readonly tls?: TlsOptions;
  /** Asked of every client. */
  readonly auth?: { readonly username: string; readonly password: string };
}

/** A server that is listening. */
export interface MetricsServer {
  readonly port: number;
  readonly server: Server;
  /** Ends it, connections that are open included. A second call does nothing. */
  close(): Promise<void>;
}

/** Serves metrics on a port of their own. Resolves when it listens, rejects when it cannot. */
export async function startHttpServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { port, host, path = "/metrics", tls, auth } = options;
  const handle = httpHandler(options);
  const listener: RequestListener = (request, response) => {
    if (auth !== undefined && !isAllowed(request.headers.authorization, auth)) {
      response.writeHead(401, { "WWW-Authenticate": 'Basic realm="metrics", charset="UTF-8"' }).end("Unauthorized\n");
    } else if (pathOf(request.url ?? "/") !== path) {
      response.writeHead(404, { "Content-Type": "text/plain; charset=utf-8" }).end(`Metrics are at ${path}\n`);
    } else {
      handle(request, response).catch(() => response.destroy());
    }
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function compressor(encoding: ContentEncoding): Duplex {
  // The least effort takes metrics to a tenth already.
  return encoding === "zstd" && createZstd !== undefined ? createZstd() : zlib.createGzip({ level: 1 });
}

function headerText(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === "string" || value === undefined ? value : value.join(",");
}

function pathOf(url: string): string {
  const end = url.indexOf("?");
  return end < 0 ? url : url.slice(0, end);
}

function namesOf(url: string): string[] {
  const start = url.indexOf("?");
  return start < 0 ? [] : new URLSearchParams(url.slice(start)).getAll("name[]");
}

/** Takes the same time for every wrong answer. */
function isAllowed(header: string | undefined, auth: { username: string; password: string }): boolean {
  const wanted = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(header ?? ""), digest(wanted));
}
