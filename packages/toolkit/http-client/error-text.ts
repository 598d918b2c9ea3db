// Node's words for what went wrong on the way to a server, turned into those that operators of the reference know.

import { quote } from "../log/format.ts";

interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly errors?: readonly Error[];
}

const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "cannot assign requested address",
};

const UNKNOWN_AUTHORITY = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
const OUT_OF_DATE = "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
const TLS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  CERT_HAS_EXPIRED: OUT_OF_DATE,
  CERT_NOT_YET_VALID: OUT_OF_DATE,
};

/** The text for an error of the request itself, before there is a response: `Get "http://h/metrics": EOF`. */
export function requestErrorText(url: string, error: unknown, method: "Get" | "Post" = "Get"): string {
  return `${method} ${quote(url)}: ${requestFailure(error)}`;
}

/** Whatever a request can fail with, as Go's HTTP client would say it: `dial tcp 127.0.0.1:1: connect: connection refused`. */
export function requestFailure(error: unknown): string {
  const { code = "", syscall, message, hostname, address, port, errors } = error as SystemError;
  // With several addresses for a name, the last attempt is what counts.
  const last = errors?.at(-1);
  if (last !== undefined) return requestFailure(last);
  if (code === "ABORT_ERR") return abortText(error as Error);
  if (syscall === "getaddrinfo") return `dial tcp: lookup ${hostname}: ${code === "ENOTFOUND" ? "no such host" : code}`;
  if (syscall === "connect") {
    const reason = CONNECT[code] ?? code;
    if (port === undefined) return `dial unix ${address}: connect: ${reason}`;
    return `dial tcp ${address?.includes(":") ? `[${address}]` : address}:${port}: connect: ${reason}`;
  }
  if (code === "ECONNRESET") return message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  if (code === "EPIPE") return "write: broken pipe";
  if (code.startsWith("HPE_"))
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response (${message.replace(/^Parse Error: /, "")})`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `tls: failed to verify certificate: x509: ${message}`;
  return TLS[code] ?? message;
}

/** What the reason of the signal says. */
function abortText({ cause }: Error): string {
  if (typeof cause === "string") return cause;
  return cause instanceof Error ? cause.message : "context canceled";
}
