// Packets by UDP and streams by TCP, both on one port.
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { connect, createServer, isIPv4, type Server, type Socket } from "node:net";
import { type Endpoint, isAnyHost } from "./endpoint.ts";
import type { Arrivals, ByteStream, Transport } from "./transport.ts";

/** Streams from others that are open at a time; more are closed as they come. */
const MAX_STREAMS = 128;
/** What the system keeps for us while we are busy. */
const RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024;
/** Attempts to find a port that is free for both, where the system chooses it. */
const PORT_ATTEMPTS = 10;

export interface NetTransportOptions {
  /** An IP address; empty: all addresses. */
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** How long a stream from others may live. */
  readonly streamTimeoutMs: number;
  readonly onError: (error: Error) => void;
}

export class NetTransport implements Transport {
  readonly #options: NetTransportOptions;
  readonly #streams = new Set<Socket>();
  #server: Server | undefined;
  #udp: UdpSocket | undefined;
  #isClosed = false;

  constructor(options: NetTransportOptions) {
    this.#options = options;
  }

  async listen(arrivals: Arrivals): Promise<number> {
    const attempts = this.#options.port === 0 ? PORT_ATTEMPTS : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#listenOnce(arrivals);
      } catch (error) {
        await this.#closeSockets();
        if (attempt === attempts || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      }
    }
  }

  send(packet: Uint8Array, { host, port }: Endpoint): void {
    const udp = this.#udp;
    if (udp === undefined || this.#isClosed) return;
    const address = isIPv4(host) && udp.address().family === "IPv6" ? `::ffff:${host}` : host;
    // A packet that cannot be sent is a packet that was lost.
    udp.send(packet, port, address, () => {});
  }

  dial({ host, port }: Endpoint, timeoutMs: number): Promise<ByteStream> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      this.#watch(socket, timeoutMs);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(streamOf(socket));
      });
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#closeSockets();
  }

  async #listenOnce(arrivals: Arrivals): Promise<number> {
    const { host, port, onError } = this.#options;
    const server = createServer((socket) => {
      if (this.#streams.size >= MAX_STREAMS) {
        socket.on("error", () => {});
        socket.destroy();
        return;
      }
      this.#watch(socket, this.#options.streamTimeoutMs);
      const from = { host: plainHost(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 };
      arrivals.stream(streamOf(socket), from);
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host: host === "" ? "::" : host, port }, () => resolve());
    });
    server.on("error", onError);
    const bound = (server.address() as { port: number }).port;
    const isAll = isAnyHost(host) && !isIPv4(host);
    const udp = createSocket({ type: isIPv4(host) ? "udp4" : "udp6", ipv6Only: false });
    this.#udp = udp;
    await new Promise<void>((resolve, reject) => {
      udp.once("error", reject);
      udp.bind({ port: bound, ...(isAll ? {} : { address: host }), exclusive: true }, () => resolve());
    });
    udp.on("error", onError);
    udp.on("message", (bytes, { address, port: fromPort }) => {
      arrivals.packet(bytes, { host: plainHost(address), port: fromPort });
    });
    try {
      udp.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
    } catch {
      // The system allows less; what does not fit is lost, as packets are.
    }
    return bound;
  }

  #watch(socket: Socket, timeoutMs: number): void {
    this.#streams.add(socket);
    socket.setNoDelay(true);
    const timer = setTimeout(() => socket.destroy(new Error("i/o timeout")), Math.max(1, timeoutMs)).unref();
    // Whoever waits for the socket hears of its errors; nobody may be waiting.
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(timer);
      this.#streams.delete(socket);
    });
  }

  async #closeSockets(): Promise<void> {
    for (const socket of this.#streams) socket.destroy();
    const server = this.#server;
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
    const udp = this.#udp;
    this.#udp = undefined;
    this.#server = undefined;
    if (udp === undefined) return;
    try {
      await new Promise<void>((resolve) => udp.close(() => resolve()));
    } catch {
      // It was never bound.
    }
  }
}

function streamOf(socket: Socket): ByteStream {
  return {
    chunks: socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    close: () => {
      if (socket.destroyed || socket.writableEnded) return;
      // The other side may go on sending what nobody reads: the connection ends when everything written was taken.
      socket.end(() => socket.destroy());
    },
  };
}

/** IPv4 addresses as they are, although they came in by a socket for both kinds. */
function plainHost(address: string): string {
  return address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
}
