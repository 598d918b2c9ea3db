// Node's words for what went wrong on the way to a target, turned into those that operators of the reference know.
import { quoteText } from "@narthex/exposition";

interface SystemError extends Error {
  readonly code?: string;
  readonly syscall?: string;
  readonly address?: string;
  readonly port?: number;
  readonly hostname?: string;
  readonly errors?: readonly Error[];
}

const CONNECT_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ETIMEDOUT: "connection timed out",
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EADDRNOTAVAIL: "cannot assign requested address",
};

const TLS_REASONS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  SELF_SIGNED_CERT_IN_CHAIN: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls: failed to verify certificate: x509: certificate signed by unknown authority",
  CERT_HAS_EXPIRED: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
  CERT_NOT_YET_VALID: "tls: failed to verify certificate: x509: certificate has expired or is not yet valid",
};

/** The text for an error of the request itself, before there is a response: `Get "http://h/metrics": EOF`. */
export function requestErrorText(url: string, error: unknown, method: "Get" | "Post" = "Get"): string {
  return `${method} ${quoteText(url)}: ${causeText(error as SystemError)}`;
}

/** The text for an error while the body was read. */
export function bodyErrorText(error: unknown): string {
  const { code, message } = error as SystemError;
  if (code === "ECONNRESET" || message === "aborted") return "unexpected EOF";
  return causeText(error as SystemError);
}

/** Bytes of a gzip member in front of what is compressed, at least. */
const GZIP_HEADER_BYTES = 10;

/** The text for a compressed body of `bytes` bytes that cannot be read. */
export function gzipErrorText(error: unknown, bytes: number): string {
  const { code, message } = error as SystemError;
  if (bytes < GZIP_HEADER_BYTES) return bytes === 0 ? "EOF" : "unexpected EOF";
  if (code === "Z_BUF_ERROR") return "unexpected EOF";
  if (/incorrect header check/.test(message)) return "gzip: invalid header";
  if (/incorrect (data|length) check/.test(message)) return "gzip: invalid checksum";
  return `flate: corrupt input: ${message}`;
}

function causeText(error: SystemError): string {
  // With several addresses for a name, the last attempt is what counts.
  const last = error.errors?.at(-1) as SystemError | undefined;
  if (last !== undefined) return causeText(last);
  const { code = "", syscall, message } = error;
  if (syscall === "getaddrinfo")
    return `dial tcp: lookup ${error.hostname}: ${code === "ENOTFOUND" ? "no such host" : code}`;
  if (syscall === "connect") {
    const reason = CONNECT_REASONS[code] ?? code;
    if (error.port === undefined) return `dial unix ${error.address}: connect: ${reason}`;
    const host = error.address?.includes(":") ? `[${error.address}]` : error.address;
    return `dial tcp ${host}:${error.port}: connect: ${reason}`;
  }
  if (code === "ECONNRESET") return message === "socket hang up" ? "EOF" : "read: connection reset by peer";
  if (code === "EPIPE") return "write: broken pipe";
  if (code.startsWith("HPE_"))
    return `net/http: HTTP/1.x transport connection broken: malformed HTTP response (${message.replace(/^Parse Error: /, "")})`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `tls: failed to verify certificate: x509: ${message}`;
  return TLS_REASONS[code] ?? message;
}
