// What the web configuration file demands of every request and connection, before anything else sees them.
import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import https from "node:https";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import type { Logger } from "../log/logger.ts";
import { BasicAuth } from "../tls-and-auth/basic-auth.ts";
import { WebConfigError } from "../tls-and-auth/web-config.ts";
import { type LoadedWebConfig, WebConfigFile } from "../tls-and-auth/web-config-file.ts";
import { PasswordCheckError, PasswordChecker } from "./password-checker.ts";

const USER = Symbol("user");

/** Who sent the request; "" where nobody had to say. */
export function userOf(request: Pick<IncomingMessage, "headers">): string {
  return (request as { [USER]?: string })[USER] ?? "";
}

/** The file as it applies now. Without a file nothing is demanded. */
export class Access {
  readonly #file: WebConfigFile | undefined;
  readonly #logger: Logger;
  readonly #checker = new PasswordChecker();
  readonly #auth = new BasicAuth((password, hash) => this.#checker.compare(password, hash));

  /** Throws a `WebConfigError`. `path` is "" for none. */
  constructor(path: string, logger: Logger) {
    this.#file = path === "" ? undefined : new WebConfigFile(path);
    this.#logger = logger;
  }

  /** Whether the listeners speak TLS: decided at the start, as in the reference. */
  get tls(): LoadedWebConfig["tls"] {
    return this.#file?.current().tls;
  }

  /** A server, not listening yet, that hands `listener` the requests that may pass. */
  createServer(listener: RequestListener): Server {
    const { tls } = this;
    const guarded: RequestListener = (request, response) =>
      this.#admit(request, response, () => listener(request, response));
    if (tls === undefined) return http.createServer(guarded);
    const { context, requestCert, rejectUnauthorized } = tls;
    const server = https.createServer({ ...context, requestCert, rejectUnauthorized }, guarded);
    this.#guard(server);
    return server;
  }

  /** Ends the thread that compares passwords. */
  close(): void {
    this.#checker.close();
  }

  /** Lets a request through to `serve`, or answers it. */
  #admit(request: IncomingMessage, response: ServerResponse, serve: () => void): void {
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
        if (verdict === undefined) {
          response.setHeader("WWW-Authenticate", "Basic");
          refuse(response, 401, "Unauthorized");
          return;
        }
        (request as { [USER]?: string })[USER] = verdict.user;
        serve();
      },
      (error: Error) => {
        if (!(error instanceof PasswordCheckError)) this.#logger.error("Checking a password failed", { err: error });
        refuse(response, 503, error.message);
      },
    );
  }

  /** Keeps a TLS server's certificates at the files' state, and turns away clients whose certificates will not do. */
  #guard(server: TlsServer): void {
    let applied = this.tls;
    server.prependListener("connection", (socket) => {
      try {
        const tls = this.tls;
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
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.end(`${message}\n`);
}
