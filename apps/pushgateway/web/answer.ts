// One request and the answer to it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createGzip, gzipSync } from "node:zlib";

/** A client that takes nothing for so long loses its answer. */
const STALLED_MS = 30_000;
/** What a refused request may still send, and for how long, before its connection is cut: enough for the client to read the refusal. */
const LEFTOVER_BYTES = 16 * 1024 * 1024;
const LEFTOVER_MS = 10_000;

export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  get method(): string {
    return this.request.method ?? "GET";
  }

  /** A status and nothing else. */
  status(code: number): void {
    this.response.statusCode = code;
    this.response.setHeader("Content-Length", 0);
    this.response.end();
  }

  /** A whole answer. */
  send(code: number, contentType: string, body: string | Buffer): void {
    const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
    this.response.statusCode = code;
    this.response.setHeader("Content-Type", contentType);
    this.response.setHeader("Content-Length", bytes.length);
    this.response.end(this.method === "HEAD" ? undefined : bytes);
  }

  text(code: number, body: string): void {
    this.send(code, "text/plain; charset=utf-8", body);
  }

  /** A refusal, with the header that the reference sends along. */
  refuse(code: number, message: string): void {
    const { request, response } = this;
    response.setHeader("X-Content-Type-Options", "nosniff");
    if (request.complete || request.destroyed || this.method === "HEAD") {
      this.text(code, `${message}\n`);
      return;
    }
    // All of the answer goes out, yet it ends only with the request: a connection that is to be closed would be closed under a client
    // that is still sending, and that one might never see why.
    const bytes = Buffer.from(`${message}\n`, "utf8");
    response.statusCode = code;
    response.setHeader("Content-Type", "text/plain; charset=utf-8");
    response.setHeader("Content-Length", bytes.length);
    response.write(bytes);
    this.#passOverLeftover(() => response.end());
  }

  /** Sends the client elsewhere; a body only where the reference has one. */
  redirect(code: number, location: string): void {
    this.response.setHeader("Location", location);
    if (this.method !== "GET" && this.method !== "HEAD") this.status(code);
    else {
      const shown = location.replaceAll("&", "&amp;").replaceAll('"', "&#34;").replaceAll("<", "&lt;");
      const word = code === 301 ? "Moved Permanently" : "Temporary Redirect";
      this.send(code, "text/html; charset=utf-8", `<a href="${shown}">${word}</a>.\n\n`);
    }
  }

  /** An answer in pieces, compressed if the client takes that; a small one goes out whole. */
  async stream(contentType: string, pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<void> {
    const { response } = this;
    const iterator = iteratorOf(pieces);
    const first = await iterator.next();
    const second = first.done === true ? first : await iterator.next();
    const zips = /(^|,)\s*gzip\s*(;|,|$)/.test(String(this.request.headers["accept-encoding"] ?? ""));
    response.setHeader("Content-Type", contentType);
    if (zips) response.setHeader("Content-Encoding", "gzip");
    if (second.done === true) {
      const body = first.done === true ? Buffer.alloc(0) : first.value;
      const bytes = zips ? gzipSync(body, { level: 1 }) : body;
      response.setHeader("Content-Length", bytes.length);
      response.end(bytes);
      return;
    }
    const target = zips ? createGzip({ level: 1 }) : response;
    if (zips) (target as ReturnType<typeof createGzip>).pipe(response);
    for (let next: IteratorResult<Buffer> = first; next.done !== true; ) {
      if (response.destroyed) return;
      if (!target.write(next.value)) await this.#drained(target);
      next = next === first ? second : await iterator.next();
    }
    target.end();
  }

  #drained(target: NodeJS.WritableStream): Promise<void> {
    const { response } = this;
    return new Promise((resolve) => {
      const stalled = setTimeout(() => response.destroy(), STALLED_MS);
      const done = (): void => {
        clearTimeout(stalled);
        target.removeListener("drain", done);
        response.removeListener("close", done);
        resolve();
      };
      target.once("drain", done);
      response.once("close", done);
    });
  }

  /** Reads and forgets what is left of a request; one that never ends is cut off. */
  #passOverLeftover(done: () => void): void {
    const { request } = this;
    let bytes = 0;
    const cut = (): void => void request.destroy();
    const timer = setTimeout(cut, LEFTOVER_MS).unref();
    request.on("data", (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > LEFTOVER_BYTES) cut();
    });
    request.once("close", () => clearTimeout(timer));
    request.once("end", () => {
      clearTimeout(timer);
      done();
    });
    request.on("error", () => {});
    request.resume();
  }
}

function iteratorOf(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncIterator<Buffer> | Iterator<Buffer> {
  return Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]();
}
