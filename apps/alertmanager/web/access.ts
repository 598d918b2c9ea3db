// What the web configuration file demands of every request and connection, before anything else sees them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import { BasicAuth, type LoadedWebConfig, type Logger, WebConfigError, WebConfigFile } from "@narthex/toolkit";
import bcrypt from "bcryptjs";

/** Passwords that are compared at a time; each takes a tenth of a second, in slices. */
const MAX_COMPARISONS = 16;

/** The file as it applies now. Without a file nothing is demanded. */
export class Access {
  readonly #file: WebConfigFile | undefined;
  readonly #logger: Logger;
  #comparing = 0;
  readonly #auth = new BasicAuth((password, hash) => this.#compare(password, hash));

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
        if (verdict !== undefined) {
          serve();
          return;
        }
        response.setHeader("WWW-Authenticate", "Basic");
        refuse(response, 401, "Unauthorized");
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

  async #compare(password: string, hash: string): Promise<boolean> {
    if (this.#comparing >= MAX_COMPARISONS) throw new Error("too many passwords are being checked already");
    this.#comparing++;
    try {
      return await bcrypt.compare(password, hash);
    } finally {
      this.#comparing--;
    }
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.statusCode = status;
  response.setHeader("Content-Type", "text/plain; charset=utf-8");
  response.setHeader("X-Content-Type-Options", "nosniff");
  response.end(`${message}\n`);
}
