// What the web configuration file demands of every request and connection, before anything else sees them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import { Worker } from "node:worker_threads";
import { BasicAuth, type LoadedWebConfig, type Logger, WebConfigError, WebConfigFile } from "@narthex/toolkit";

/** Comparisons that may wait; beyond it requests are told to come again. */
const MAX_WAITING = 32;

/** What runs in the thread: a comparison takes a tenth of a second, and nobody's guessing may delay a push. */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const loading = import(workerData);
parentPort.on("message", async ({ id, password, hash }) => {
  const { default: bcrypt } = await loading;
  parentPort.postMessage({ id, equal: bcrypt.compareSync(password, hash) });
});`;

/** The file as it applies now. Without a file nothing is demanded. */
export class Access {
  readonly #file: WebConfigFile | undefined;
  readonly #logger: Logger;
  readonly #auth = new BasicAuth((password, hash) => this.#compare(password, hash));
  readonly #waiting = new Map<number, { resolve(equal: boolean): void; reject(error: Error): void }>();
  #worker: Worker | undefined;
  #lastId = 0;

  /** Throws a `WebConfigError`. `path` is "" for none. */
  constructor(path: string, logger: Logger) {
    this.#file = path === "" ? undefined : new WebConfigFile(path);
    this.#logger = logger;
  }

  /** Whether the listeners speak TLS: decided at the start, as in the reference. */
  get tls(): LoadedWebConfig["tls"] {
    return this.#file?.current().tls;
  }

  /** Lets a request through to `serve`, or answers it. */
  admit(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
    if (this.#file === undefined) {
      serve();
      return;
    }
    let config: LoadedWebConfig["config"];
    try {
      ({ config } = this.#file.current());
    } catch (error) {
      this.#logger.error("Unable to parse configuration", { err: (error as Error).message });
      refuse(response, 500, "Internal Server Error");
      return;
    }
    for (const [name, value] of config.http.headers) if (value !== "") response.setHeader(name, value);
    if (config.users.size === 0) {
      serve();
      return;
    }
    this.#auth.check(request.headers.authorization, config.users).then(
      (verdict) => {
        if (verdict !== undefined) serve();
        else {
          response.setHeader("WWW-Authenticate", "Basic");
          refuse(response, 401, "Unauthorized");
        }
      },
      (error: Error) => refuse(response, 503, error.message),
    );
  }

  /** Keeps a TLS server's certificates at the files' state, and turns away clients whose certificates will not do. */
  guard(server: TlsServer): void {
    let applied = this.tls;
    server.prependListener("connection", (socket) => {
      try {
        const { tls } = this;
        if (tls === undefined)
          throw new WebConfigError("the web configuration no longer asks for TLS: restart to apply");
        if (tls === applied) return;
        server.setSecureContext(tls.context);
        Object.assign(server, { requestCert: tls.requestCert, rejectUnauthorized: tls.rejectUnauthorized });
        applied = tls;
      } catch (error) {
        this.#logger.error("Unable to parse configuration", { err: (error as Error).message });
        socket.destroy();
      }
    });
    server.prependListener("secureConnection", (socket: TLSSocket) => {
      if (applied?.accepts(socket) === false) socket.destroy();
    });
  }

  close(): void {
    void this.#worker?.terminate();
  }

  #compare(password: string, hash: string): Promise<boolean> {
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new Error("too many passwords are being checked already"));
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      worker.postMessage({ id, password, hash });
    });
  }

  #start(): Worker {
    // Its library is named by URL, since the bundle's files stand elsewhere.
    const worker = new Worker(PROGRAM, { eval: true, workerData: import.meta.resolve("bcryptjs") });
    worker.unref();
    worker.on("message", ({ id, equal }: { id: number; equal: boolean }) => {
      this.#waiting.get(id)?.resolve(equal);
      this.#waiting.delete(id);
    });
    worker.on("error", (error) => this.#logger.error("the thread that checks passwords failed", { err: error }));
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(new Error("the thread that checks passwords ended"));
      this.#waiting.clear();
    });
    return worker;
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.end(`${message}\n`);
}
