// From a TLS configuration to what Node's server takes, and whether a client's certificate will do.
import { readFileSync } from "node:fs";
import type { PeerCertificate, SecureContextOptions, TLSSocket } from "node:tls";
import { createSecureContext } from "node:tls";
import { CIPHERS, CURVES, VERSION_NAMES } from "./cipher-names.ts";
import { type ServerTlsConfig, WebConfigError } from "./web-config.ts";

/** Options of a TLS server, and the rule for clients. */
export interface ServerTls {
  readonly context: SecureContextOptions;
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
  /** Whether a client whose handshake went through may go on. */
  accepts(socket: TLSSocket): boolean;
}

/** Reads the files that the configuration names. Throws a `WebConfigError` that says which of them is at fault. */
export function serverTls(config: ServerTlsConfig): ServerTls {
  const context: SecureContextOptions = {
    cert: config.cert !== "" ? config.cert : readPem(config.certFile),
    key: config.key !== "" ? config.key : readPem(config.keyFile),
    minVersion: VERSION_NAMES.get(config.minVersion) ?? "TLSv1.2",
    maxVersion: VERSION_NAMES.get(config.maxVersion) ?? "TLSv1.3",
    honorCipherOrder: config.preferServerCipherSuites,
    ...(config.cipherSuites.length > 0 ? { ciphers: openSslNames(config.cipherSuites, CIPHERS) } : {}),
    ...(config.curvePreferences.length > 0 ? { ecdhCurve: openSslNames(config.curvePreferences, CURVES) } : {}),
    ...clientCa(config),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw new WebConfigError(`failed to load X509KeyPair: ${(error as Error).message}`, { cause: error });
  }
  const type = config.clientAuthType;
  const verifies = type === "VerifyClientCertIfGiven" || type === "RequireAndVerifyClientCert";
  const requires = type.startsWith("Require");
  return {
    context,
    requestCert: type !== "" && type !== "NoClientCert",
    rejectUnauthorized: type === "RequireAndVerifyClientCert",
    accepts(socket) {
      if (type === "" || type === "NoClientCert" || type === "RequestClientCert") return true;
      const certificate = socket.getPeerCertificate() as PeerCertificate | Record<string, never> | null;
      const isGiven = certificate !== null && Object.keys(certificate).length > 0;
      if (!isGiven) return !requires;
      if (!verifies) return true;
      return socket.authorized && isAllowed(certificate as PeerCertificate, config.clientAllowedSans);
    },
  };
}

/** One of the certificate's alternative names (DNS, email, IP, URI) must be among `allowed`; an empty list allows all. */
export function isAllowed({ subjectaltname }: PeerCertificate, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true;
  const names = new Set(
    (subjectaltname ?? "").split(", ").map((name) => name.replace(/^(DNS|email|IP Address|URI):/, "")),
  );
  return allowed.some((name) => names.has(name));
}

function clientCa({ clientCa: inline, clientCaFile }: ServerTlsConfig): { ca?: string } {
  if (inline !== "") return { ca: inline };
  return clientCaFile === "" ? {} : { ca: readPem(clientCaFile) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new WebConfigError(`open ${file}: ${code === "ENOENT" ? "no such file or directory" : message}`, {
      cause: error,
    });
  }
}

function openSslNames(names: readonly string[], table: ReadonlyMap<string, string>): string {
  return names.map((name) => table.get(name)).join(":");
}
