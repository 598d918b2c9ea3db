// Where a program listens: addresses of its command line, or the sockets that systemd hands over.
import type { Server } from "node:http";
import type { Logger } from "../log/logger.ts";

/** The first file descriptor that systemd hands over. Source: `sd_listen_fds(3)`. */
const FIRST_SYSTEMD_FD = 3;

/** `host:port` taken apart; an empty host, which means every interface, is left out. */
export interface ListenAddress {
  readonly host?: string;
  readonly port: number;
}

/** Splits `host:port`, `:port` or `[host]:port`. `usualPort` is for the error of what is no address. */
export function parseListenAddress(address: string, usualPort: number): ListenAddress {
  const colon = address.lastIndexOf(":");
  const text = address.slice(colon + 1);
  const port = Number(text);
  if (colon < 0 || text === "" || !Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error(
      `invalid listen address ${JSON.stringify(address)}: expected host:port, for instance 0.0.0.0:${usualPort}`,
    );
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  return host === "" ? { port } : { port, host };
}

/** Descriptors of the sockets that systemd hands over. Throws when there are none, or they are another process's. */
export function systemdSockets(): number[] {
  const { LISTEN_PID: pid = String(process.pid), LISTEN_FDS: fds } = process.env;
  const count = pid === String(process.pid) ? Number(fds ?? 0) : 0;
  if (!(count >= 1)) throw new Error("no socket activation file descriptors found");
  return Array.from({ length: count }, (_, i) => FIRST_SYSTEMD_FD + i);
}

/**
 * Opens `server` where it is told, called `name` if that cannot be done, and logs where it listens. Rejects with one
 * clear sentence.
 */
export async function listen(
  server: Server,
  where: ListenAddress | { readonly fd: number },
  { name, isSecure, logger }: { readonly name: string; readonly isSecure: boolean; readonly logger: Logger },
): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(where, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw new Error(`listen tcp ${name}: ${failure(error as NodeJS.ErrnoException)}`, { cause: error });
  }
  const bound = server.address();
  const address =
    typeof bound === "object" && bound !== null
      ? `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`
      : name;
  logger.info("Listening on", { address });
  logger.info(isSecure ? "TLS is enabled." : "TLS is disabled.", { http2: false, address });
}

/** Ports that are open, in the order of `servers`. */
export function portsOf(servers: readonly Server[]): number[] {
  return servers.map((server) => (server.address() as { port: number }).port);
}

function failure({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "EADDRINUSE":
      return "bind: address already in use (another process has this port; choose one with --web.listen-address)";
    case "EACCES":
      return "bind: permission denied (ports below 1024 need special rights; choose one with --web.listen-address)";
    default:
      return message;
  }
}
