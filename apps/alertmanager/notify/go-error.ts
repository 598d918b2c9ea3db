// Node's words for what went wrong on the way to a service, turned into those that operators of the reference know.

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
  EACCES: "permission denied",
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

export function goErrorText(error: unknown): string {
  const { code = "", syscall, message, hostname, address, port, errors } = error as SystemError;
  // With several addresses for a name, the last attempt is what counts.
  const last = errors?.at(-1);
  if (last !== undefined) return goErrorText(last);
  if (code === "ABORT_ERR") return abortText(error as Error);
  if (syscall === "getaddrinfo") return `dial tcp: lookup ${hostname}: ${code === "ENOTFOUND" ? "no such host" : code}`;
  if (syscall === "connect") {
    const host = address?.includes(":") ? `[${address}]` : address;
    return `dial tcp ${host}:${port}: connect: ${CONNECT[code] ?? code}`;
  }
  if (code === "ECONNRESET") return message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  if (code === "EPIPE") return "write: broken pipe";
  if (code.startsWith("HPE_")) return `net/http: HTTP/1.x transport connection broken: malformed HTTP response`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `tls: failed to verify certificate: x509: ${message}`;
  return TLS[code] ?? message;
}

/** What the signal's reason says. */
function abortText(error: Error): string {
  return typeof error.cause === "string"
    ? error.cause
    : error.cause instanceof Error
      ? error.cause.message
      : "context canceled";
}
