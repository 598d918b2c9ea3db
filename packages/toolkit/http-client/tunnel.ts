// Connections through proxies: HTTP CONNECT (RFC 9110, 9.3.6) and SOCKS 5 (RFC 1928, 1929).
import { connect, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

/** Head of a proxy's answer, at most. */
const MAX_HEAD_BYTES = 16 << 10;
const TUNNEL_TIMEOUT_MS = 30_000;

const SOCKS_REASONS: readonly string[] = [
  "",
  "general SOCKS server failure",
  "connection not allowed by ruleset",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "TTL expired",
  "command not supported",
  "address type not supported",
];

/** Where a tunnel leads. */
export interface TunnelTarget {
  readonly host: string;
  readonly port: number;
  /** Sent with CONNECT. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The `Proxy-Authorization` that a proxy's URL asks for, if it names a user. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === "" && proxy.password === "") return undefined;
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/** A connection to the proxy itself. `tls` are the settings for one that is reached over TLS. */
export function connectProxy(proxy: URL, tls: ConnectionOptions): Socket {
  const host = proxy.hostname.replace(/^\[|\]$/g, "");
  if (proxy.protocol === "https:") {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    return connectTls({ ...tls, host, port: Number(proxy.port || 443), ...servername });
  }
  const port = proxy.protocol.startsWith("socks") ? 1080 : 80;
  return connect({ host, port: Number(proxy.port || port), noDelay: true });
}

/** Makes of a connection to the proxy one to the target. The socket is destroyed when that fails. */
export async function openTunnel(socket: Socket, proxy: URL, target: TunnelTarget): Promise<Socket> {
  const timer = setTimeout(() => socket.destroy(new Error("i/o timeout")), TUNNEL_TIMEOUT_MS);
  try {
    const reader = new SocketReader(socket);
    await reader.connected(proxy.protocol === "https:" ? "secureConnect" : "connect");
    if (proxy.protocol.startsWith("socks")) await negotiateSocks(socket, reader, proxy, target);
    else await requestConnect(socket, reader, proxy, target);
    reader.release();
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function requestConnect(socket: Socket, reader: SocketReader, proxy: URL, target: TunnelTarget): Promise<void> {
  const authority = `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
  let head = `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n`;
  const authorization = proxyAuthorization(proxy);
  if (authorization !== undefined) head += `Proxy-Authorization: ${authorization}\r\n`;
  for (const [name, value] of target.headers) head += `${name}: ${value}\r\n`;
  socket.write(`${head}\r\n`, "latin1");
  const answer = (await reader.until("\r\n\r\n", MAX_HEAD_BYTES)).split("\r\n", 1)[0] as string;
  const status = /^HTTP\/1\.[01] ([0-9]{3})(?: (.*))?$/.exec(answer);
  if (status === null) throw new Error("malformed answer of the proxy");
  if (status[1] !== "200") throw new Error(status[2] || `proxy answered with status ${status[1]}`);
}

async function negotiateSocks(socket: Socket, reader: SocketReader, proxy: URL, target: TunnelTarget): Promise<void> {
  const user = Buffer.from(decodeURIComponent(proxy.username));
  const password = Buffer.from(decodeURIComponent(proxy.password));
  const hasUser = user.length > 0;
  socket.write(Buffer.from(hasUser ? [5, 2, 0, 2] : [5, 1, 0]));
  const [version, method] = await reader.bytes(2);
  if (version !== 5) throw new Error(`socks: unexpected protocol version ${version}`);
  if (method === 2 && hasUser) {
    if (user.length > 255 || password.length > 255) throw new Error("socks: invalid username/password");
    socket.write(Buffer.concat([Buffer.of(1, user.length), user, Buffer.of(password.length), password]));
    const [, accepted] = await reader.bytes(2);
    if (accepted !== 0) throw new Error("socks: username/password authentication failed");
  } else if (method !== 0) throw new Error("socks: no acceptable authentication methods");
  const name = Buffer.from(target.host);
  if (name.length > 255) throw new Error("socks: host name too long");
  // Addresses in the form of a name are read by every proxy.
  socket.write(
    Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(target.port >> 8, target.port & 255)]),
  );
  const head = await reader.bytes(5);
  if (head[1] !== 0) throw new Error(`socks: ${SOCKS_REASONS[head[1] as number] ?? "unknown error"}`);
  const addressBytes = head[3] === 1 ? 4 : head[3] === 4 ? 16 : (head[4] as number) + 1;
  await reader.bytes(addressBytes - 1 + 2);
}

/** Reads the beginning of what a socket says, piece by piece. */
class SocketReader {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #error: Error | undefined;
  #wake: () => void = () => {};
  readonly #onData = (chunk: Buffer) => {
    this.#buffer = Buffer.concat([this.#buffer, chunk]);
    this.#wake();
  };
  readonly #onError = (error: Error) => {
    this.#error ??= error;
    this.#wake();
  };
  readonly #onEnd = () => this.#onError(new Error("EOF"));

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", this.#onData);
    socket.on("error", this.#onError);
    socket.on("end", this.#onEnd);
    socket.on("close", this.#onEnd);
  }

  async connected(event: string): Promise<void> {
    let done = false;
    this.#socket.once(event, () => {
      done = true;
      this.#wake();
    });
    await this.#waitFor(() => done);
  }

  async bytes(count: number): Promise<Buffer> {
    await this.#waitFor(() => this.#buffer.length >= count);
    return this.#take(count);
  }

  async until(end: string, limit: number): Promise<string> {
    await this.#waitFor(() => this.#buffer.includes(end) || this.#buffer.length > limit);
    const at = this.#buffer.indexOf(end);
    if (at < 0) throw new Error("answer of the proxy too long");
    return this.#take(at + end.length).toString("latin1");
  }

  release(): void {
    const socket = this.#socket;
    socket.off("data", this.#onData);
    socket.off("error", this.#onError);
    socket.off("end", this.#onEnd);
    socket.off("close", this.#onEnd);
    // Neither HTTP nor TLS lets the other side speak first.
    if (this.#buffer.length > 0) throw new Error("unexpected data behind the answer of the proxy");
  }

  #take(count: number): Buffer {
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = this.#buffer.subarray(count);
    return taken;
  }

  async #waitFor(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#error !== undefined) throw this.#error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
