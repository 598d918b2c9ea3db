// The keys of an HTTP client: authentication, TLS, proxy, headers. They stand among the keys of whatever speaks HTTP.
import type { ConfigUrl, Secret } from "../secret/secret.ts";
import { anything, bool, checkedText, filePath, list, map, optional, secret, text, url } from "../yaml/codecs.ts";
import type { Codec, YamlReader } from "../yaml/reader.ts";
import { type Field, field, type Inline, type StructShape, struct } from "../yaml/struct.ts";
import type {
  AuthorizationConfig,
  BasicAuthConfig,
  HttpClientConfig,
  HttpHeaderConfig,
  OAuth2Config,
  ProxyConfig,
  TlsConfig,
  TlsVersion,
} from "./config.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The keys while they are read: with the old bearer keys, which become `authorization`. */
export interface HttpClientDraft extends Writable<HttpClientConfig> {
  authorization: Writable<AuthorizationDraft> | undefined;
  bearerToken: Secret;
  bearerTokenFile: string;
}

/** References into a secret manager: the keys exist, and are refused because there is no such manager. */
interface BasicAuthDraft extends BasicAuthConfig {
  readonly usernameRef: string;
  readonly passwordRef: string;
}
interface AuthorizationDraft extends AuthorizationConfig {
  readonly credentialsRef: string;
}
interface OAuth2Draft extends OAuth2Config {
  readonly clientSecretRef: string;
  readonly clientCertificateKeyRef: string;
}
interface TlsDraft extends TlsConfig {
  readonly caRef: string;
  readonly certRef: string;
  readonly keyRef: string;
}

const TLS_VERSIONS: ReadonlySet<string> = new Set(["TLS10", "TLS11", "TLS12", "TLS13"]);

const tlsVersion: Codec<TlsVersion> = checkedText("string", (version) =>
  TLS_VERSIONS.has(version) ? undefined : `unknown TLS version: ${version}`,
);

/** `tls_config` on the side that connects. */
export const tlsClientConfig: Codec<TlsConfig> = struct<TlsDraft>(
  "config.plain",
  [
    field<TlsDraft>("ca", "ca", text),
    field<TlsDraft>("cert", "cert", text),
    field<TlsDraft>("key", "key", secret),
    field<TlsDraft>("ca_file", "caFile", filePath()),
    field<TlsDraft>("cert_file", "certFile", filePath()),
    field<TlsDraft>("key_file", "keyFile", filePath()),
    field<TlsDraft>("ca_ref", "caRef", text),
    field<TlsDraft>("cert_ref", "certRef", text),
    field<TlsDraft>("key_ref", "keyRef", text),
    field<TlsDraft>("server_name", "serverName", text),
    field<TlsDraft>("insecure_skip_verify", "insecureSkipVerify", bool, { keep: true }),
    field<TlsDraft>("min_version", "minVersion", tlsVersion),
    field<TlsDraft>("max_version", "maxVersion", tlsVersion),
  ],
  { check: checkTls },
);

function checkTls(tls: TlsDraft, reader: YamlReader): void {
  const invalid = (key: string, message: string): void => reader.invalid(reader.place(tls, key), message);
  const hasKey = !tls.key.isEmpty;
  if (count(tls.ca, tls.caFile, tls.caRef) > 1) {
    invalid("ca_file", "at most one of ca, ca_file & ca_ref must be configured");
  } else if (count(tls.cert, tls.certFile, tls.certRef) > 1) {
    invalid("cert_file", "at most one of cert, cert_file & cert_ref must be configured");
  } else if (count(hasKey, tls.keyFile, tls.keyRef) > 1) {
    invalid("key_file", "at most one of key and key_file must be configured");
  } else if (count(tls.cert, tls.certFile, tls.certRef) > 0 && count(hasKey, tls.keyFile, tls.keyRef) === 0) {
    invalid("cert_file", "exactly one of key or key_file must be configured when a client certificate is configured");
  } else if (count(hasKey, tls.keyFile, tls.keyRef) > 0 && count(tls.cert, tls.certFile, tls.certRef) === 0) {
    invalid("key_file", "exactly one of cert or cert_file must be configured when a client key is configured");
  } else {
    refuseReferences(tls, ["ca_ref", "cert_ref", "key_ref"], reader);
  }
}

/** Keys of a proxy, to stand among others. */
const proxyMembers: readonly Field[] = [
  field<ProxyConfig>("proxy_url", "proxyUrl", url),
  field<ProxyConfig>("no_proxy", "noProxy", text),
  field<ProxyConfig>("proxy_from_environment", "proxyFromEnvironment", bool),
  field<ProxyConfig>("proxy_connect_header", "proxyConnectHeader", map(list(secret), { type: "config.ProxyHeader" })),
];

function checkProxy(proxy: ProxyConfig, reader: YamlReader): boolean {
  const invalid = (key: string, message: string): boolean => {
    reader.invalid(reader.place(proxy, key), message);
    return false;
  };
  const { proxyUrl, noProxy, proxyFromEnvironment, proxyConnectHeader } = proxy;
  const hasUrl = isGiven(proxyUrl);
  if (proxyConnectHeader.size > 0 && !proxyFromEnvironment && !hasUrl) {
    return invalid(
      "proxy_connect_header",
      "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be configured",
    );
  }
  if (proxyFromEnvironment && hasUrl) {
    return invalid("proxy_url", "if proxy_from_environment is configured, proxy_url must not be configured");
  }
  if (proxyFromEnvironment && noProxy !== "") {
    return invalid("no_proxy", "if proxy_from_environment is configured, no_proxy must not be configured");
  }
  if (!hasUrl && noProxy !== "") {
    return invalid("no_proxy", "if no_proxy is configured, proxy_url must also be configured");
  }
  return true;
}

const basicAuth: Codec<BasicAuthConfig> = struct<BasicAuthDraft>("config.plain", [
  field<BasicAuthDraft>("username", "username", text),
  field<BasicAuthDraft>("username_file", "usernameFile", filePath()),
  field<BasicAuthDraft>("username_ref", "usernameRef", text),
  field<BasicAuthDraft>("password", "password", secret),
  field<BasicAuthDraft>("password_file", "passwordFile", filePath()),
  field<BasicAuthDraft>("password_ref", "passwordRef", text),
]);

const authorization: Codec<AuthorizationConfig> = struct<AuthorizationDraft>("config.Authorization", [
  field<AuthorizationDraft>("type", "type", text),
  field<AuthorizationDraft>("credentials", "credentials", secret),
  field<AuthorizationDraft>("credentials_file", "credentialsFile", filePath()),
  field<AuthorizationDraft>("credentials_ref", "credentialsRef", text),
]);

const oauth2: Codec<OAuth2Config> = struct<OAuth2Draft>(
  "config.plain",
  [
    field<OAuth2Draft>("client_id", "clientId", text),
    field<OAuth2Draft>("client_secret", "clientSecret", secret),
    field<OAuth2Draft>("client_secret_file", "clientSecretFile", filePath()),
    field<OAuth2Draft>("client_secret_ref", "clientSecretRef", text),
    field<OAuth2Draft>("client_certificate_key_id", "clientCertificateKeyId", text),
    field<OAuth2Draft>("client_certificate_key", "clientCertificateKey", secret),
    field<OAuth2Draft>("client_certificate_key_file", "clientCertificateKeyFile", filePath()),
    field<OAuth2Draft>("client_certificate_key_ref", "clientCertificateKeyRef", text),
    field<OAuth2Draft>("grant_type", "grantType", text),
    field<OAuth2Draft>("signature_algorithm", "signatureAlgorithm", text),
    field<OAuth2Draft>("iss", "iss", text),
    field<OAuth2Draft>("audience", "audience", text),
    field<OAuth2Draft>("claims", "claims", map(anything, { type: "map[string]interface {}" })),
    field<OAuth2Draft>("scopes", "scopes", list(text)),
    field<OAuth2Draft>("token_url", "tokenUrl", text),
    field<OAuth2Draft>("endpoint_params", "endpointParams", map(text)),
    field<OAuth2Draft>("tls_config", "tls", tlsClientConfig),
    { name: "proxy", inline: { members: proxyMembers } },
  ],
  {
    check(oauth, reader) {
      if (checkProxy(oauth.proxy, reader))
        refuseReferences(oauth, ["client_secret_ref", "client_certificate_key_ref"], reader);
    },
  },
);

/** Headers that the server sets itself or that steer the connection; canonical spelling in lower case. */
const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "host",
  "content-encoding",
  "content-length",
  "content-type",
  "user-agent",
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "www-authenticate",
  "accept-encoding",
  "x-prometheus-remote-write-version",
  "x-prometheus-remote-read-version",
  "x-prometheus-scrape-timeout-seconds",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-content-sha256",
]);

/** True for a header that no configuration may set, in any spelling. */
export function isReservedHeader(name: string): boolean {
  return RESERVED_HEADERS.has(name.toLowerCase());
}

const httpHeader: Codec<HttpHeaderConfig> = struct<HttpHeaderConfig>("config.Header", [
  field<HttpHeaderConfig>("values", "values", list(text)),
  field<HttpHeaderConfig>("secrets", "secrets", list(secret)),
  field<HttpHeaderConfig>("files", "files", list(filePath())),
]);

const httpHeaders: Codec<ReadonlyMap<string, HttpHeaderConfig>> = map(httpHeader, {
  type: "config.Headers",
  checkKey: (name) => (isReservedHeader(name) ? `setting header "${canonicalHeader(name)}" is not allowed` : undefined),
});

function canonicalHeader(name: string): string {
  return name.replace(/[^-]+/g, (part) => part.charAt(0).toUpperCase() + part.slice(1).toLowerCase());
}

function httpClientMembers(enableHttp2: boolean): readonly (Field | Inline)[] {
  return [
    field<HttpClientDraft>("basic_auth", "basicAuth", optional(basicAuth)),
    field<HttpClientDraft>("authorization", "authorization", optional(authorization)),
    field<HttpClientDraft>("oauth2", "oauth2", optional(oauth2)),
    field<HttpClientDraft>("bearer_token", "bearerToken", secret),
    field<HttpClientDraft>("bearer_token_file", "bearerTokenFile", filePath()),
    field<HttpClientDraft>("tls_config", "tls", tlsClientConfig),
    field<HttpClientDraft>("follow_redirects", "followRedirects", bool, { initial: () => true, keep: true }),
    field<HttpClientDraft>("enable_http2", "enableHttp2", bool, { initial: () => enableHttp2, keep: true }),
    { name: "proxy", inline: { members: proxyMembers } },
    field<HttpClientDraft>("http_headers", "httpHeaders", optional(httpHeaders)),
  ];
}

/** HTTP client keys with their usual defaults, to be put among others. */
export const httpClientShape: StructShape = { members: httpClientMembers(true) };

/** The same for remote write, where HTTP/2 is off unless asked for. */
export const remoteWriteHttpShape: StructShape = { members: httpClientMembers(false) };

/** True when nothing was set that differs from the defaults. */
export function isDefaultHttpClient(http: HttpClientConfig): boolean {
  return (
    http.followRedirects &&
    http.enableHttp2 &&
    httpClientShape.members.every((member) => {
      if ("inline" in member) {
        return member.inline.members.every(
          (part) => "inline" in part || part.codec.isZero(http.proxy[part.name as keyof ProxyConfig]),
        );
      }
      return member.keep === true || member.codec.isZero((http as unknown as Record<string, unknown>)[member.name]);
    })
  );
}

/**
 * Checks what only the keys together can break, and turns the old bearer keys into `authorization`.
 * Reports at most one problem: the later ones would follow from it.
 */
export function completeHttpClient(config: HttpClientConfig, reader: YamlReader): void {
  const http = config as HttpClientDraft;
  const problem = authenticationProblem(http);
  if (problem !== undefined) {
    reader.invalid(reader.place(http, problem[0]), problem[1]);
    return;
  }
  adoptBearerToken(http);
  if (http.basicAuth !== undefined && !refuseReferences(http.basicAuth, ["username_ref", "password_ref"], reader))
    return;
  if (http.authorization !== undefined && !refuseReferences(http.authorization, ["credentials_ref"], reader)) return;
  checkProxy(http.proxy, reader);
}

/** The key at fault and what is wrong. */
function authenticationProblem(http: HttpClientDraft): readonly [key: string, message: string] | undefined {
  const hasToken = !http.bearerToken.isEmpty;
  const hasTokenFile = http.bearerTokenFile !== "";
  const basic = http.basicAuth as BasicAuthDraft | undefined;
  const oauth = http.oauth2 as OAuth2Draft | undefined;
  const auth = http.authorization;
  if (hasToken && hasTokenFile) {
    return ["bearer_token_file", "at most one of bearer_token & bearer_token_file must be configured"];
  }
  if ((basic !== undefined || oauth !== undefined) && (hasToken || hasTokenFile)) {
    return [
      hasToken ? "bearer_token" : "bearer_token_file",
      "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be configured",
    ];
  }
  if (basic !== undefined) {
    if (count(basic.username, basic.usernameFile, basic.usernameRef) > 1) {
      return ["basic_auth", "at most one of basic_auth username, username_file & username_ref must be configured"];
    }
    if (count(!basic.password.isEmpty, basic.passwordFile, basic.passwordRef) > 1) {
      return ["basic_auth", "at most one of basic_auth password, password_file & password_ref must be configured"];
    }
  }
  if (auth !== undefined) {
    if (hasToken || hasTokenFile) {
      return ["authorization", "authorization is not compatible with bearer_token & bearer_token_file"];
    }
    if (count(!auth.credentials.isEmpty, auth.credentialsFile, auth.credentialsRef) > 1) {
      return ["authorization", "at most one of authorization credentials & credentials_file must be configured"];
    }
    auth.type = auth.type.trim() || "Bearer";
    if (auth.type.toLowerCase() === "basic") {
      return ["authorization", 'authorization type cannot be set to "basic", use "basic_auth" instead'];
    }
    if (basic !== undefined || oauth !== undefined) {
      return ["authorization", "at most one of basic_auth, oauth2 & authorization must be configured"];
    }
  }
  const problem = oauth === undefined ? undefined : oauthProblem(oauth, basic !== undefined);
  return problem === undefined ? undefined : ["oauth2", problem];
}

function adoptBearerToken(http: HttpClientDraft): void {
  if (http.bearerToken.isEmpty && http.bearerTokenFile === "") return;
  http.authorization = {
    type: "Bearer",
    credentials: http.bearerToken,
    credentialsFile: http.bearerTokenFile,
    credentialsRef: "",
  };
  http.bearerToken = secret.zero();
  http.bearerTokenFile = "";
}

const JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";

function oauthProblem(oauth: OAuth2Draft, hasBasicAuth: boolean): string | undefined {
  if (hasBasicAuth) return "at most one of basic_auth, oauth2 & authorization must be configured";
  if (oauth.clientId === "") return "oauth2 client_id must be configured";
  if (oauth.tokenUrl === "") return "oauth2 token_url must be configured";
  if (oauth.grantType === JWT_GRANT) {
    if (count(!oauth.clientCertificateKey.isEmpty, oauth.clientCertificateKeyFile, oauth.clientCertificateKeyRef) > 1) {
      return `at most one of oauth2 client_certificate_key, client_certificate_key_file & client_certificate_key_ref must be configured using grant-type=${JWT_GRANT}`;
    }
    const known = ["", "RS256", "RS384", "RS512"].includes(oauth.signatureAlgorithm);
    return known ? undefined : "valid signature algorithms are RS256, RS384 and RS512";
  }
  return count(!oauth.clientSecret.isEmpty, oauth.clientSecretFile, oauth.clientSecretRef) > 1
    ? "at most one of oauth2 client_secret, client_secret_file & client_secret_ref must be configured using grant-type=client_credentials"
    : undefined;
}

/** There is no secret manager to ask: a reference could never be resolved. */
function refuseReferences(value: object, keys: readonly string[], reader: YamlReader): boolean {
  const key = keys.find((candidate) => reader.wasWritten(value, candidate));
  if (key === undefined) return true;
  const name = key.slice(0, -"_ref".length);
  reader.invalid(
    reader.place(value, key),
    `${key} needs a secret manager, which this server does not have: use ${name} or ${name}_file`,
  );
  return false;
}

function count(...given: readonly (string | boolean)[]): number {
  return given.filter((value) => value !== "" && value !== false).length;
}

function isGiven(address: ConfigUrl | undefined): boolean {
  return address !== undefined && address.reveal() !== "";
}
