// Who may look at what is not for everybody: the queries that run, and pages of targets fetched on demand.
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { userOf } from "@narthex/toolkit";
import { ApiError } from "../api/api-error.ts";

/** Headers that proxies add: then the address of the connection is the proxy's, and says nothing about the client. */
const FORWARDING = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];

/** What a request shows about who sent it. */
export type OperatorRequest = Pick<IncomingMessage, "headers" | "socket">;

/**
 * Throws an `ApiError` unless the request comes from an operator: a user that logged in, a client with a certificate that
 * was verified, anybody where the admin API is open, and otherwise clients of this machine that speak to the server
 * directly. A page of another origin in a browser of this machine is no such client.
 */
export function requireOperator(request: OperatorRequest, adminApi: boolean): void {
  if (adminApi || userOf(request) !== "" || hasVerifiedCertificate(request) || isLocal(request)) return;
  throw new ApiError(
    "forbidden",
    "only for clients on the server's own machine, unless users are configured in --web.config.file or --web.enable-admin-api is set",
  );
}

function hasVerifiedCertificate({ socket }: OperatorRequest): boolean {
  return (socket as Partial<TLSSocket>).authorized === true;
}

function isLocal({ headers, socket }: OperatorRequest): boolean {
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  if (!(address === "::1" || /^127\.\d+\.\d+\.\d+$/.test(address))) return false;
  if (FORWARDING.some((name) => headers[name] !== undefined)) return false;
  const { origin, host } = headers;
  if (origin !== undefined && originHost(origin) !== host) return false;
  // A name that an outsider's name server sends here: the page behind it would be of the same origin.
  return host !== undefined && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i.test(host);
}

function originHost(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
