// The sockets: opened, bounded, and closed without cutting anybody off who is being answered.
import type { RequestListener, Server } from "node:http";
import type { Duplex } from "node:stream";
import { type Access, type Logger, listen, parseListenAddress, portsOf, systemdSockets } from "@narthex/toolkit";

/** Connections at once; each holds a file descriptor. */
const MAX_CONNECTIONS = 4096;
/** A whole request must come within this. */
const REQUEST_MS = 5 * 60_000;
/** How long a stop waits for answers under way. */
const GRACE_MS = 10_000;
const USUAL_PORT = 9091;

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
    const places =
      "systemd" in where
        ? systemdSockets().map((fd) => ({ name: `descriptor ${fd}`, at: { fd } }))
        : where.addresses.map((name) => ({ name, at: parseListenAddress(name, USUAL_PORT) }));
    for (const { name, at } of places) {
      const server = this.#make(listener);
      await listen(server, at, { name, isSecure: this.#access.tls !== undefined, logger: this.#logger });
      this.#servers.push(server);
    }
  }

  /** Ports that are open, in the order of the addresses. */
  get ports(): number[] {
    return portsOf(this.#servers);
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
    const server = this.#access.createServer(listener);
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
