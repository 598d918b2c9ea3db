// Serving metrics with node:http.
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions as TlsOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import type { ContentEncoding } from "../http/encoding.ts";
import { ExpositionHandler, type HandlerOptions } from "../http/exposition-handler.ts";

/** Zstandard came to Node later. */
const createZstd = (zlib as { createZstdCompress?: () => NodeJS.ReadWriteStream }).createZstdCompress;
const ENCODINGS: readonly ContentEncoding[] = createZstd === undefined ? ["gzip"] : ["zstd", "gzip"];

/**
 * A listener for node:http and whatever passes its requests on: `createServer(httpHandler())`, `app.get("/metrics", httpHandler())`.
 * Serves whatever the path is; `?name[]=` restricts it to some metrics.
 */
export function httpHandler(
  options: HandlerOptions = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const handler = new ExpositionHandler(options, ENCODINGS);
  return async (request, response) => {
    const answer = await handler.answer({
      method: request.method ?? "GET",
      accept: request.headers.accept,
      acceptEncoding: headerText(request.headers["accept-encoding"]),
      names: namesOf(request.url ?? "/"),
    });
    try {
      response.writeHead(answer.status, answer.headers);
      if (answer.body === undefined) response.end();
      else if (answer.encoding === undefined) await pipeline(Readable.from(answer.body), response);
      else await pipeline(Readable.from(answer.body), compressor(answer.encoding), response);
      answer.done();
    } catch {
      // The client went away; there is nobody left to tell.
      answer.done(true);
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

function compressor(encoding: ContentEncoding): NodeJS.ReadWriteStream {
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
