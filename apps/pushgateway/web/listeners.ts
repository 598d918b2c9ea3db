// The sockets: opened, bounded, and closed without cutting anybody off who is being answered.
import http, { type RequestListener, type Server } from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import type { Logger } from "@narthex/toolkit";
import type { Access } from "./access.ts";

/** Connections at once; each holds a file descriptor. */
const MAX_CONNECTIONS = 4096;
/** A whole request must come within this. */
const REQUEST_MS = 5 * 60_000;
/** How long a stop waits for answers under way. */
const GRACE_MS = 10_000;
/** The first file descriptor that systemd hands over. */
const FIRST_SYSTEMD_FD = 3;

/** Where to listen: `host:port` and the like, or the sockets of systemd. */
export type Addresses = { readonly addresses: readonly string[] } | { readonly systemd: true };

export class Listeners {
  readonly #servers: Server[] = [];
  readonly #access: Access;
  readonly #logger: Logger;

  constructor(access: Access, logger: Logger) {
    this.#access = access;
    this.#logger = logger;
  }

  /** Opens all of them. Rejects with one clear sentence when one cannot be had. */
  async open(where: Addresses, listener: RequestListener): Promise<void> {
    for (const target of targetsOf(where)) {
      const server = this.#make(listener);
      try {
        await listening(server, target.options);
      } catch (error) {
        throw new Error(`listen tcp ${target.name}: ${(error as Error).message}`, { cause: error });
      }
      this.#servers.push(server);
      const bound = server.address();
      const shown =
        typeof bound === "object" && bound !== null
          ? `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`
          : target.name;
      this.#logger.info("Listening on", { address: shown });
      this.#logger.info(this.#access.tls === undefined ? "TLS is disabled." : "TLS is enabled.", {
        http2: false,
        address: shown,
      });
    }
  }

  /** Ports that are open, in the order of the addresses. */
  get ports(): number[] {
    return this.#servers.map((server) => (server.address() as { port: number }).port);
  }

  /** Lets answers under way end, for a while, and takes no new requests. */
  async close(): Promise<void> {
    await Promise.all(
      this.#servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            const timer = setTimeout(() => server.closeAllConnections(), GRACE_MS);
            server.close(() => {
              clearTimeout(timer);
              resolve();
            });
            server.closeIdleConnections();
          }),
      ),
    );
    this.#access.close();
  }

  #make(listener: RequestListener): Server {
    const { tls } = this.#access;
    const guarded: RequestListener = (request, response) =>
      this.#access.admit(request, response, () => listener(request, response));
    const server =
      tls === undefined
        ? http.createServer(guarded)
        : https.createServer(
            { ...tls.context, requestCert: tls.requestCert, rejectUnauthorized: tls.rejectUnauthorized },
            guarded,
          );
    if (server instanceof https.Server) this.#access.guard(server);
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => refuseMalformed(error, socket));
    server.requestTimeout = REQUEST_MS;
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  }
}

/** What is no HTTP request gets the reference's answer, in place of none. */
function refuseMalformed({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    code === "ERR_HTTP_REQUEST_TIMEOUT"
      ? "408 Request Timeout"
      : code === "HPE_HEADER_OVERFLOW"
        ? "431 Request Header Fields Too Large"
        : "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`);
}

interface Target {
  readonly name: string;
  readonly options: { readonly fd: number } | { readonly port: number; readonly host?: string };
}

function targetsOf(where: Addresses): Target[] {
  if (!("systemd" in where)) return where.addresses.map((name) => ({ name, options: parseAddress(name) }));
  const count = Number(process.env["LISTEN_FDS"] ?? 0);
  if (!(count > 0)) throw new Error("no socket activation file descriptors found");
  return Array.from({ length: count }, (_, i) => ({
    name: `systemd socket ${i}`,
    options: { fd: FIRST_SYSTEMD_FD + i },
  }));
}

function parseAddress(address: string): { port: number; host?: string } {
  const colon = address.lastIndexOf(":");
  const port = Number(address.slice(colon + 1));
  if (colon < 0 || address.slice(colon + 1) === "" || !Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`invalid listen address ${JSON.stringify(address)}: expected host:port, for instance 0.0.0.0:9091`);
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return host === "" ? { port } : { port, host };
}

function listening(server: Server, options: Target["options"]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new Error("bind: address already in use", { cause: error }) : error),
    );
    server.listen(options, () => {
      server.removeAllListeners("error");
      resolve();
    });
  });
}
