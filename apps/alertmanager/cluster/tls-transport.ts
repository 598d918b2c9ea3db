// Packets and streams by TLS, where each side shows its certificate: connections for packets stay open, each stream gets its own.
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import type { Counter } from "@narthex/client";
import { type Endpoint, formatEndpoint, ipBytes, parseEndpoint } from "./endpoint.ts";
import { decodeFrame, encodeFrame, FRAME_LENGTH_BYTES, MAX_FRAME_BYTES } from "./frame.ts";
import type { MemberTls } from "./tls-config.ts";
import type { Arrivals, ByteStream, Transport } from "./transport.ts";

/** Connections from others that are open at a time; more are closed as they come. */
const MAX_INCOMING = 512;
/** Members that are sent packets; the one that was not for longest gives way. */
const MAX_OUTGOING = 512;
/** Packets that wait for a connection; more are lost, as packets are. */
const MAX_WAITING = 256;
const IDLE_MS = 600_000;

export interface TlsCounters {
  readonly packetBytesSent: Counter;
  readonly packetBytesReceived: Counter;
  readonly streamsOpened: Counter;
  readonly streamsReceived: Counter;
  readonly readErrors: Counter;
  readonly writeErrors: Counter<["connection_type"]>;
}

export interface TlsTransportOptions {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
  readonly tls: MemberTls;
  /** How long a stream from others may live, and a connection may take to be made. */
  readonly streamTimeoutMs: number;
  readonly counters: TlsCounters;
  readonly onError: (error: Error) => void;
}

export class TlsTransport implements Transport {
  readonly #options: TlsTransportOptions;
  readonly #sockets = new Set<TLSSocket>();
  readonly #outgoing = new Map<string, PacketConnection>();
  #incoming = 0;
  #server: Server | undefined;
  #from = "";
  #isClosed = false;

  /** Throws for a host that is no address. */
  constructor(options: TlsTransportOptions) {
    if (ipBytes(options.host) === undefined) throw new Error(`invalid bind address "${options.host}"`);
    this.#options = options;
  }

  async listen(arrivals: Arrivals): Promise<number> {
    const { host, port, tls, onError, counters } = this.#options;
    const { context, requestCert, rejectUnauthorized, accepts } = tls.server;
    const server = createServer({ ...context, requestCert, rejectUnauthorized });
    this.#server = server;
    server.on("tlsClientError", (error) => {
      counters.readErrors.inc();
      onError(error);
    });
    server.on("secureConnection", (socket) => {
      if (this.#incoming >= MAX_INCOMING || !accepts(socket)) {
        socket.on("error", () => {});
        socket.destroy();
        return;
      }
      this.#incoming++;
      this.#keep(socket).once("close", () => this.#incoming--);
      this.#receive(socket, arrivals).catch(() => {
        counters.readErrors.inc();
        socket.destroy();
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => resolve());
    });
    server.on("error", onError);
    const bound = (server.address() as { port: number }).port;
    this.#from = formatEndpoint({ host, port: bound });
    return bound;
  }

  send(packet: Uint8Array, to: Endpoint): void {
    if (this.#isClosed) return;
    const address = formatEndpoint(to);
    let connection = this.#outgoing.get(address);
    if (connection === undefined) {
      for (const [oldest, { close }] of this.#outgoing) {
        if (this.#outgoing.size < MAX_OUTGOING) break;
        this.#outgoing.delete(oldest);
        close();
      }
      connection = this.#connection(to, address);
    } else this.#outgoing.delete(address);
    // The one that was used last stands last.
    this.#outgoing.set(address, connection);
    connection.send(packet);
  }

  async dial(to: Endpoint, timeoutMs: number): Promise<ByteStream> {
    const { counters } = this.#options;
    try {
      const socket = await this.#connect(to, timeoutMs);
      limitLife(socket, timeoutMs);
      // By itself in a record of TLS: the reference reads what comes with it, and forgets it.
      await written(socket, encodeFrame({ from: "", packet: undefined }));
      counters.streamsOpened.inc();
      return streamOf(socket, socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>);
    } catch (error) {
      counters.writeErrors.labels("stream").inc();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    if (server?.listening === true) await new Promise((resolve) => server.close(resolve));
  }

  #connection(to: Endpoint, address: string): PacketConnection {
    const { counters, streamTimeoutMs } = this.#options;
    const connection: PacketConnection = new PacketConnection({
      connect: () => this.#connect(to, streamTimeoutMs),
      frame: (packet) => encodeFrame({ from: this.#from, packet }),
      onSent: (bytes) => counters.packetBytesSent.inc(bytes),
      onFailed: () => {
        counters.writeErrors.labels("packet").inc();
        if (this.#outgoing.get(address) === connection) this.#outgoing.delete(address);
      },
    });
    return connection;
  }

  #connect({ host, port }: Endpoint, timeoutMs: number): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = this.#keep(connect({ ...this.#options.tls.client, host, port }));
      const timer = setTimeout(() => socket.destroy(new Error("i/o timeout")), Math.max(1, timeoutMs));
      socket.once("error", reject);
      socket.once("close", () => {
        clearTimeout(timer);
        reject(new Error("the connection was closed"));
      });
      socket.once("secureConnect", () => {
        clearTimeout(timer);
        resolve(socket);
      });
    });
  }

  /** Packet after packet, until a frame says that the rest is a stream. */
  async #receive(socket: TLSSocket, arrivals: Arrivals): Promise<void> {
    const { counters, streamTimeoutMs } = this.#options;
    const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    let buffer = Buffer.alloc(0);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      buffer = Buffer.concat([buffer, next.value]);
      while (buffer.length >= FRAME_LENGTH_BYTES) {
        const length = buffer.readUInt32LE();
        if (length > MAX_FRAME_BYTES) throw new Error(`a frame of ${length} bytes`);
        const end = FRAME_LENGTH_BYTES + length;
        if (buffer.length < end) break;
        const { from, packet } = decodeFrame(buffer.subarray(FRAME_LENGTH_BYTES, end));
        buffer = buffer.subarray(end);
        if (packet === undefined) {
          counters.streamsReceived.inc();
          limitLife(socket, streamTimeoutMs);
          const remote = { host: socket.remoteAddress ?? "", port: socket.remotePort ?? 0 };
          arrivals.stream(streamOf(socket, withFirst(buffer, chunks)), remote);
          return;
        }
        counters.packetBytesReceived.inc(packet.length);
        arrivals.packet(packet, parseEndpoint(from));
      }
    }
    socket.destroy();
  }

  #keep(socket: TLSSocket): TLSSocket {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {});
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }
}

interface PacketConnectionOptions {
  readonly connect: () => Promise<TLSSocket>;
  readonly frame: (packet: Uint8Array) => Uint8Array;
  readonly onSent: (bytes: number) => void;
  readonly onFailed: () => void;
}

/** The way of packets to one member, one after the other: two frames in one record of TLS would be one too many for the reference. */
class PacketConnection {
  readonly #options: PacketConnectionOptions;
  readonly #waiting: Uint8Array[] = [];
  #isSending = false;
  #socket: TLSSocket | undefined;

  constructor(options: PacketConnectionOptions) {
    this.#options = options;
  }

  send(packet: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push(packet);
    if (this.#isSending) return;
    this.#isSending = true;
    this.#sendAll().catch(() => {
      this.#waiting.length = 0;
      this.#options.onFailed();
      this.close();
    });
  }

  readonly close = (): void => {
    this.#socket?.destroy();
  };

  async #sendAll(): Promise<void> {
    const { connect: open, frame, onSent } = this.#options;
    this.#socket ??= await open();
    for (let packet = this.#waiting.shift(); packet !== undefined; packet = this.#waiting.shift()) {
      await written(this.#socket, frame(packet));
      onSent(packet.length);
    }
    this.#isSending = false;
  }
}

function written(socket: TLSSocket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function limitLife(socket: TLSSocket, timeoutMs: number): void {
  const timer = setTimeout(() => socket.destroy(new Error("i/o timeout")), Math.max(1, timeoutMs)).unref();
  socket.once("close", () => clearTimeout(timer));
}

function withFirst(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncIterator<Uint8Array> {
  let isTaken = first.length === 0;
  return {
    next: () => {
      if (isTaken) return rest.next();
      isTaken = true;
      return Promise.resolve({ value: first, done: false });
    },
  };
}

function streamOf(socket: TLSSocket, chunks: AsyncIterator<Uint8Array>): ByteStream {
  return {
    chunks,
    write: (bytes) => written(socket, bytes),
    close: () => {
      if (!socket.destroyed && !socket.writableEnded) socket.end(() => socket.destroy());
    },
  };
}
