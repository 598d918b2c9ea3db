// For tests of whatever speaks HTTP: a server that answers as told, free ports, and works to do when a file's tests are over.
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";

const closers: (() => void)[] = [];
after(() => {
  for (const close of closers) close();
});

/** Calls back when all tests of the file are done. */
export function whenDone(close: () => void): void {
  closers.push(close);
}

// Below what systems hand out to outgoing connections (32768 on Linux, 49152 elsewhere), so that none takes a port between
// its being found free and a program listening there. Each test process begins at a place of its own.
const FIRST_PORT = 12_000;
const PORTS = 20_000;
let nextPort = (process.pid * 97) % PORTS;

/** A port of loopback that is free, not given before by this process, and not one the system gives by itself. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < PORTS; tried++) {
    const port = FIRST_PORT + (nextPort++ % PORTS);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => probe.close(resolve));
    return port;
  }
  throw new Error(`no port from ${FIRST_PORT} to ${FIRST_PORT + PORTS - 1} is free`);
}

/** A request as the server got it. */
export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What the server says: a body, or the response itself for whoever wants to misbehave. */
export interface FakeAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text goes as it is, everything else as JSON. */
  readonly body?: unknown;
  readonly act?: (response: ServerResponse) => void;
}

/** A server on loopback. `answer` may be replaced at any time. */
export class FakeApi {
  readonly requests: FakeRequest[] = [];
  answer: (request: FakeRequest) => FakeAnswer;
  /** Connections that closed before their answer had ended. */
  abandoned = 0;
  readonly #server: Server;

  private constructor(answer: (request: FakeRequest) => FakeAnswer) {
    this.answer = answer;
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://fake");
        const seen: FakeRequest = {
          method: request.method ?? "",
          path: pathname,
          params: searchParams,
          headers: request.headers,
          body: Buffer.concat(chunks).toString("utf8"),
        };
        this.requests.push(seen);
        response.on("close", () => {
          if (!response.writableFinished) this.abandoned++;
        });
        const { status = 200, headers = {}, body = "", act } = this.answer(seen);
        if (act !== undefined) act(response);
        else {
          response.writeHead(status, { "content-type": "application/json", ...headers });
          response.end(typeof body === "string" ? body : JSON.stringify(body));
        }
      });
    });
    whenDone(() => this.close());
  }

  /** `at`: a path of a Unix socket; otherwise a port on loopback is taken. */
  static async start(answer: (request: FakeRequest) => FakeAnswer, at?: string): Promise<FakeApi> {
    const api = new FakeApi(answer);
    await new Promise<void>((resolve) => {
      if (at === undefined) api.#server.listen(0, "127.0.0.1", resolve);
      else api.#server.listen(at, resolve);
    });
    return api;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Never answers. */
export const SILENCE: FakeAnswer = { act: () => {} };
