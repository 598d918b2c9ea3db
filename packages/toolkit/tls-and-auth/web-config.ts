// The web configuration file: TLS, client certificates, users with passwords, and headers of a server. Keys, rules and
// error texts follow the reference's web configuration, so that one file serves both.
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { bool, checkedText, filePath, int, list, map, text } from "../yaml/codecs.ts";
import { YamlSyntaxError } from "../yaml/node.ts";
import { parseYaml } from "../yaml/parse.ts";
import { type Codec, decodeNode, YamlReader } from "../yaml/reader.ts";
import { field, initialOf, type StructShape, struct } from "../yaml/struct.ts";
import { CIPHERS, CURVES } from "./cipher-names.ts";

/** Whether and how a server asks clients for certificates. */
export type ClientAuthType =
  | ""
  | "NoClientCert"
  | "RequestClientCert"
  | "RequireClientCert"
  | "RequireAnyClientCert"
  | "VerifyClientCertIfGiven"
  | "RequireAndVerifyClientCert";

/** TLS on the side that listens. Paths are resolved against the directory of the file. */
export interface ServerTlsConfig {
  readonly cert: string;
  readonly certFile: string;
  readonly key: string;
  readonly keyFile: string;
  readonly clientAuthType: ClientAuthType;
  readonly clientCa: string;
  readonly clientCaFile: string;
  /** One of a verified client's alternative names must equal one of these, unless the list is empty. */
  readonly clientAllowedSans: readonly string[];
  /** Go's names. */
  readonly cipherSuites: readonly string[];
  readonly curvePreferences: readonly string[];
  readonly minVersion: string;
  readonly maxVersion: string;
  readonly preferServerCipherSuites: boolean;
}

/** The whole file. */
export interface WebConfig {
  readonly tls: ServerTlsConfig;
  readonly http: { readonly http2: boolean; readonly headers: ReadonlyMap<string, string> };
  /** Bcrypt hashes by name. */
  readonly users: ReadonlyMap<string, string>;
  readonly rateLimit: { readonly burst: number; readonly interval: string };
}

/** The file cannot be used. The message names file, line and column where there are some. */
export class WebConfigError extends Error {
  override readonly name = "WebConfigError";
}

const CLIENT_AUTH_TYPES: ReadonlySet<string> = new Set([
  "",
  "NoClientCert",
  "RequestClientCert",
  "RequireClientCert",
  "RequireAnyClientCert",
  "VerifyClientCertIfGiven",
  "RequireAndVerifyClientCert",
]);
const VERSIONS: ReadonlySet<string> = new Set(["TLS10", "TLS11", "TLS12", "TLS13"]);
/** Headers that may be set, with the values they may have; undefined for any. */
const HEADERS: ReadonlyMap<string, readonly string[] | undefined> = new Map([
  ["Strict-Transport-Security", undefined],
  ["X-Content-Type-Options", ["", "nosniff"]],
  ["X-Frame-Options", ["", "deny", "sameorigin"]],
  ["X-XSS-Protection", undefined],
  ["Content-Security-Policy", undefined],
]);

function oneOf<T extends string>(allowed: { has(name: string): boolean }, refusal: string): Codec<T> {
  return checkedText<T>("string", (name) => (allowed.has(name) ? undefined : `${refusal}: ${name}`));
}

const version = oneOf<string>(VERSIONS, "unknown TLS version");

/** `tls_server_config`, wherever it stands. */
export const tlsServerConfig: Codec<ServerTlsConfig> & StructShape = struct<ServerTlsConfig>("web.TLSConfig", [
  field<ServerTlsConfig>("cert", "cert", text),
  field<ServerTlsConfig>("cert_file", "certFile", filePath()),
  field<ServerTlsConfig>("key", "key", text),
  field<ServerTlsConfig>("key_file", "keyFile", filePath()),
  field<ServerTlsConfig>("client_auth_type", "clientAuthType", oneOf(CLIENT_AUTH_TYPES, "invalid ClientAuth")),
  field<ServerTlsConfig>("client_ca", "clientCa", text),
  field<ServerTlsConfig>("client_ca_file", "clientCaFile", filePath()),
  field<ServerTlsConfig>("client_allowed_sans", "clientAllowedSans", list(text)),
  field<ServerTlsConfig>("cipher_suites", "cipherSuites", list(oneOf(CIPHERS, "unknown cipher"))),
  field<ServerTlsConfig>("curve_preferences", "curvePreferences", list(oneOf(CURVES, "unknown curve"))),
  field<ServerTlsConfig>("min_version", "minVersion", version, { initial: () => "TLS12" }),
  field<ServerTlsConfig>("max_version", "maxVersion", version, { initial: () => "TLS13" }),
  field<ServerTlsConfig>("prefer_server_cipher_suites", "preferServerCipherSuites", bool, { initial: () => true }),
]);

const httpServerConfig: Codec<WebConfig["http"]> & StructShape = struct<WebConfig["http"]>("web.HTTPConfig", [
  field<WebConfig["http"]>("http2", "http2", bool, { initial: () => true }),
  field<WebConfig["http"]>("headers", "headers", map(text, { type: "map[string]string" })),
]);

const rateLimitConfig: Codec<WebConfig["rateLimit"]> & StructShape = struct<WebConfig["rateLimit"]>(
  "web.RateLimiterConfig",
  [field<WebConfig["rateLimit"]>("burst", "burst", int), field<WebConfig["rateLimit"]>("interval", "interval", text)],
);

const webConfig: Codec<WebConfig> & StructShape = struct<WebConfig>(
  "web.Config",
  [
    field<WebConfig>("tls_server_config", "tls", tlsServerConfig, { initial: () => initialOf(tlsServerConfig) }),
    field<WebConfig>("http_server_config", "http", httpServerConfig, { initial: () => initialOf(httpServerConfig) }),
    field<WebConfig>("rate_limit", "rateLimit", rateLimitConfig, { initial: () => initialOf(rateLimitConfig) }),
    field<WebConfig>("basic_auth_users", "users", map(text, { type: "map[string]config.Secret" })),
  ],
  { check: checkWhole },
);

function checkWhole(config: WebConfig, reader: YamlReader): void {
  const { tls, http, users } = config;
  const invalid = (owner: object, key: string, message: string): void =>
    reader.invalid(reader.place(owner, key), message);
  if (usesTls(config)) {
    if (tls.cert === "" && tls.certFile === "") invalid(tls, "key_file", "missing one of cert or cert_file");
    else if (tls.key === "" && tls.keyFile === "") invalid(tls, "cert_file", "missing one of key or key_file");
    const hasCa = tls.clientCa !== "" || tls.clientCaFile !== "";
    const asks = tls.clientAuthType !== "" && tls.clientAuthType !== "NoClientCert";
    if (hasCa && !asks) invalid(tls, "client_ca_file", "client CA's have been configured without a Client Auth Policy");
  }
  if (config.rateLimit.burst !== 0 || config.rateLimit.interval !== "")
    invalid(config, "rate_limit", "rate_limit is not supported by this server");
  for (const [name, value] of http.headers) {
    if (!HEADERS.has(name)) {
      invalid(http, "headers", `HTTP header ${JSON.stringify(name)} can not be configured`);
      continue;
    }
    const allowed = HEADERS.get(name);
    if (allowed !== undefined && !allowed.includes(value.toLowerCase()))
      invalid(
        http,
        "headers",
        `invalid value for ${name}. Expected one of: ${allowed.map((each) => JSON.stringify(each)).join(", ")}, but got: ${JSON.stringify(value)}`,
      );
    else if (/[\r\n\0]/.test(value)) invalid(http, "headers", `invalid value for ${name}: line breaks are not allowed`);
  }
  for (const [name, hash] of users)
    if (!/^\$2[abxy]?\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/.test(hash))
      invalid(config, "basic_auth_users", `user ${JSON.stringify(name)}: the password is not a bcrypt hash`);
}

/** Whether the file asks for TLS at all; a file may also only name users or headers. */
export function usesTls({ tls }: WebConfig): boolean {
  return [tls.cert, tls.certFile, tls.key, tls.keyFile, tls.clientAuthType, tls.clientCa, tls.clientCaFile].some(
    (value) => value !== "",
  );
}

/** Reads and checks a file; what it names (certificates) is not read yet. Throws a `WebConfigError`. */
export function loadWebConfig(file: string): WebConfig {
  let source: string;
  try {
    source = readFileSync(file, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new WebConfigError(`open ${file}: ${code === "ENOENT" ? "no such file or directory" : message}`, {
      cause: error,
    });
  }
  return parseWebConfig(source, file);
}

/** The same for a text in memory; `file` names it in messages, and relative paths are meant from its directory. */
export function parseWebConfig(source: string, file: string): WebConfig {
  const reader = new YamlReader(dirname(file));
  let config: WebConfig;
  try {
    const { root } = parseYaml(source);
    config = root === undefined ? initialOf(webConfig) : decodeNode(webConfig, root, reader);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw new WebConfigError(`${file}:${error.at.line}:${error.at.column}: ${error.message}`, { cause: error });
  }
  const problems = reader.problems.map(({ at, message }) => `${file}:${at.line}:${at.column}: ${message}`);
  if (problems.length > 0) throw new WebConfigError(problems.join("\n"));
  return config;
}
