// HTTP/1.1 over plain TCP for the common case of scraping: one GET, kept-alive connections, bodies handed on as they
// come, nothing allocated per chunk. TLS and proxies go through `node:http`. Source: RFC 9112.
import { connect, type Socket } from "node:net";
import { quoteBytes } from "@narthex/exposition";
import type { DialObserver } from "./dial-metrics.ts";

/** Head of a response: status line and headers, at most 256 KiB. */
const MAX_HEAD_BYTES = 256 << 10;
const IDLE_CONNECTION_MS = 5 * 60 * 1000;
/** All sockets read into this one: what arrives is handed on before the next read. */
const readBuffer = new Uint8Array(64 << 10);

/** The head of a response. Header names are in lower case; of repeated headers the last one counts. */
export interface PlainResponse {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One request on its way. Exactly one of `onEnd` and `onError` is called, once. */
export interface PlainRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** A proxy to ask instead of the URL's host; undefined for none. */
  readonly proxy?: URL | undefined;
  /** "" for TCP. */
  readonly unixSocket: string;
  onHead(): void;
  /** Bytes of the body; theirs only during the call. May throw: that ends the request with this error. */
  onData(bytes: Uint8Array): void;
  onEnd(response: PlainResponse): void;
  onError(error: Error): void;
}

/** Idle connections by where they lead. */
export class PlainHttp {
  readonly #idle = new Map<string, Connection[]>();
  readonly #all = new Set<Connection>();
  readonly #observe: DialObserver | undefined;

  /** `observe` sees every connection that is made. */
  constructor(observe?: DialObserver) {
    this.#observe = observe;
  }

  /** Sends a request; the returned connection tells whether it was used before, and can call the request off. */
  send(request: PlainRequest): Connection {
    const { url, proxy, unixSocket } = request;
    const key = unixSocket === "" ? (proxy === undefined ? url.host : `proxy ${proxy.host}`) : `unix ${unixSocket}`;
    let connection = this.#idle.get(key)?.pop();
    if (connection === undefined) {
      connection = new Connection(request, {
        onIdle: (idle) => this.#keep(key, idle),
        onClose: (closed) => this.#forget(key, closed),
        observe: this.#observe,
      });
      this.#all.add(connection);
    }
    connection.send(request);
    return connection;
  }

  close(): void {
    for (const connection of [...this.#all]) connection.destroy();
  }

  #keep(key: string, connection: Connection): void {
    const idle = this.#idle.get(key);
    if (idle === undefined) this.#idle.set(key, [connection]);
    else idle.push(connection);
  }

  #forget(key: string, connection: Connection): void {
    this.#all.delete(connection);
    const idle = this.#idle.get(key)?.filter((other) => other !== connection) ?? [];
    if (idle.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, idle);
  }
}

interface ConnectionOwner {
  onIdle(connection: Connection): void;
  onClose(connection: Connection): void;
  readonly observe: DialObserver | undefined;
}

const State = { idle: 0, head: 1, counted: 2, untilClose: 3, chunkSize: 4, chunk: 5, chunkEnd: 6, trailer: 7 } as const;
type State = (typeof State)[keyof typeof State];

/** One connection, with at most one request at a time. */
export class Connection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  #request: PlainRequest | undefined;
  #requests = 0;
  #state: State = State.idle;
  #head: Uint8Array = new Uint8Array(1024);
  #headLength = 0;
  #response: PlainResponse | undefined;
  #remaining = 0;
  #line = "";
  #keepsAlive = false;

  constructor({ url, proxy, unixSocket }: PlainRequest, owner: ConnectionOwner) {
    this.#owner = owner;
    const onread = {
      buffer: readBuffer,
      callback: (length: number, buffer: Uint8Array) => {
        this.#receive(buffer, length);
        return true;
      },
    };
    const { hostname, port } = proxy ?? url;
    const host = hostname.startsWith("[") ? hostname.slice(1, -1) : hostname;
    this.#socket = connect(
      unixSocket === "" ? { host, port: Number(port || 80), onread, noDelay: true } : { path: unixSocket, onread },
    );
    owner.observe?.(this.#socket);
    this.#socket.setTimeout(IDLE_CONNECTION_MS, () => this.#socket.destroy());
    this.#socket.on("error", (error) => this.#fail(error));
    this.#socket.on("end", () => this.#ended());
    this.#socket.on("close", () => {
      this.#fail(hangUp());
      owner.onClose(this);
    });
  }

  /** Whether the request now on it is not its first. */
  get isReused(): boolean {
    return this.#requests > 1;
  }

  send(request: PlainRequest): void {
    this.#requests++;
    this.#request = request;
    this.#state = State.head;
    this.#headLength = 0;
    this.#socket.ref();
    const { url, proxy, headers } = request;
    const origin = proxy === undefined ? "" : url.origin;
    let text = `GET ${origin}${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n`;
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value === "string") text += `${name}: ${value}\r\n`;
      else for (const one of value) text += `${name}: ${one}\r\n`;
    }
    this.#socket.write(`${text}\r\n`, "latin1");
  }

  /** Calls off the request that is on it, and closes it; does nothing when that request is done already. */
  abandon(): void {
    if (this.#request !== undefined) this.destroy();
  }

  /** Closes it; a request on it gets no answer any more, not even an error. */
  destroy(): void {
    this.#request = undefined;
    this.#socket.destroy();
  }

  #receive(buffer: Uint8Array, length: number): void {
    if (this.#request === undefined) {
      // Nobody asked: whatever this is, the connection is of no more use.
      this.#socket.destroy();
      return;
    }
    try {
      let at = 0;
      while (at < length && this.#request !== undefined) at = this.#consume(buffer, at, length);
      if (at < length) this.#socket.destroy();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #consume(buffer: Uint8Array, at: number, length: number): number {
    switch (this.#state) {
      case State.head:
        return this.#consumeHead(buffer, at, length);
      case State.counted:
      case State.chunk: {
        const end = Math.min(length, at + this.#remaining);
        this.#remaining -= end - at;
        this.#request?.onData(buffer.subarray(at, end));
        if (this.#remaining > 0) return end;
        if (this.#state === State.chunk) this.#state = State.chunkEnd;
        else this.#finish();
        return end;
      }
      case State.untilClose:
        this.#request?.onData(buffer.subarray(at, length));
        return length;
      default:
        return this.#consumeLine(buffer, at, length);
    }
  }

  /** The lines between chunks: sizes, their ends, trailers. */
  #consumeLine(buffer: Uint8Array, at: number, length: number): number {
    let i = at;
    while (i < length && buffer[i] !== 0x0a) i++;
    this.#line += Buffer.from(buffer.buffer, buffer.byteOffset + at, i - at).toString("latin1");
    if (this.#line.length > MAX_HEAD_BYTES) throw malformed("chunked line too long");
    if (i === length) return length;
    const line = this.#line.trimEnd();
    this.#line = "";
    if (this.#state === State.chunkEnd) {
      if (line !== "") throw malformed("malformed chunked encoding");
      this.#state = State.chunkSize;
    } else if (this.#state === State.chunkSize) {
      const size = /^[0-9a-fA-F]{1,12}(?=$|[ \t;])/.exec(line)?.[0];
      if (size === undefined) throw malformed("invalid byte in chunk length");
      this.#remaining = Number.parseInt(size, 16);
      this.#state = this.#remaining === 0 ? State.trailer : State.chunk;
    } else if (line === "") {
      this.#finish();
    }
    return i + 1;
  }

  #consumeHead(buffer: Uint8Array, at: number, length: number): number {
    const before = this.#headLength;
    const taken = Math.min(length - at, MAX_HEAD_BYTES - before);
    if (before + taken > this.#head.length) {
      const grown = new Uint8Array(Math.max(this.#head.length * 2, before + taken));
      grown.set(this.#head.subarray(0, before));
      this.#head = grown;
    }
    this.#head.set(buffer.subarray(at, at + taken), before);
    this.#headLength = before + taken;
    const end = headEnd(this.#head, Math.max(0, before - 3), this.#headLength);
    if (end < 0) {
      const start = Buffer.from(this.#head.buffer, 0, Math.min(5, this.#headLength)).toString("latin1");
      if (!"HTTP/".startsWith(start) || this.#headLength >= MAX_HEAD_BYTES) throw this.#malformedHead();
      return at + taken;
    }
    this.#headLength = end;
    this.#readHead();
    return at + end - before;
  }

  #readHead(): void {
    const lines = Buffer.from(this.#head.buffer, 0, this.#headLength).toString("latin1").split(/\r?\n/);
    const status = /^HTTP\/1\.([01]) ([0-9]{3})(?: (.*))?$/.exec(lines[0] as string);
    if (status === null) throw this.#malformedHead();
    const headers: Record<string, string> = Object.create(null);
    for (const line of lines.slice(1)) {
      const colon = line.indexOf(":");
      if (colon > 0) headers[line.slice(0, colon).trim().toLowerCase()] = line.slice(colon + 1).trim();
    }
    const statusCode = Number(status[2]);
    this.#headLength = 0;
    // Interim responses announce the one that counts.
    if (statusCode >= 100 && statusCode < 200) return;
    this.#response = { statusCode, statusMessage: status[3] ?? "", headers };
    const connection = (headers["connection"] ?? "").toLowerCase();
    this.#keepsAlive = status[1] === "1" ? !connection.includes("close") : connection.includes("keep-alive");
    this.#request?.onHead();
    if ((headers["transfer-encoding"] ?? "").toLowerCase().includes("chunked")) {
      this.#state = State.chunkSize;
      return;
    }
    const declared = headers["content-length"];
    if (statusCode === 204 || statusCode === 304 || declared === "0") {
      this.#finish();
    } else if (declared === undefined) {
      this.#keepsAlive = false;
      this.#state = State.untilClose;
    } else {
      if (!/^[0-9]{1,15}$/.test(declared)) throw malformed(`bad Content-Length ${JSON.stringify(declared)}`);
      this.#remaining = Number(declared);
      this.#state = State.counted;
    }
  }

  #malformedHead(): Error {
    const end = this.#head.subarray(0, this.#headLength).indexOf(0x0a);
    const line = quoteBytes(this.#head, 0, Math.min(200, end < 0 ? this.#headLength : end)).replace(/\\r"$/, '"');
    return new Error(`net/http: HTTP/1.x transport connection broken: malformed HTTP response ${line}`);
  }

  #ended(): void {
    if (this.#request !== undefined && this.#state === State.untilClose) this.#finish();
    else this.#fail(this.#state === State.head && this.#headLength === 0 ? hangUp() : new Error("unexpected EOF"));
  }

  #finish(): void {
    const request = this.#request;
    const response = this.#response;
    this.#request = undefined;
    this.#response = undefined;
    this.#state = State.idle;
    if (!this.#keepsAlive || this.#socket.destroyed) this.#socket.destroy();
    else {
      this.#socket.unref();
      this.#owner.onIdle(this);
    }
    request?.onEnd(response as PlainResponse);
  }

  #fail(error: Error): void {
    const request = this.#request;
    this.#request = undefined;
    this.#socket.destroy();
    request?.onError(error);
  }
}

/** Where the head ends, behind its empty line; -1 when that has not come yet. */
function headEnd(bytes: Uint8Array, from: number, length: number): number {
  for (let i = from; i < length; i++) {
    if (bytes[i] !== 0x0a) continue;
    if (bytes[i + 1] === 0x0a && i + 1 < length) return i + 2;
    if (bytes[i + 1] === 0x0d && bytes[i + 2] === 0x0a && i + 2 < length) return i + 3;
  }
  return -1;
}

function hangUp(): Error {
  return Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
}

function malformed(message: string): Error {
  return new Error(message);
}
