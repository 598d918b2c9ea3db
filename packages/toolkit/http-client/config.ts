// How to speak to somebody over HTTP, as configurations say it: the keys that every client of every program shares.
import type { ConfigUrl, Secret } from "../secret/secret.ts";

/** How to speak to somebody over HTTP. Files named here are read again for each use, so that credentials can rotate. */
export interface HttpClientConfig {
  /** At most one of `basicAuth`, `authorization` and `oauth2` is there. `bearer_token` has become `authorization`. */
  readonly basicAuth: BasicAuthConfig | undefined;
  readonly authorization: AuthorizationConfig | undefined;
  readonly oauth2: OAuth2Config | undefined;
  readonly tls: TlsConfig;
  readonly followRedirects: boolean;
  readonly enableHttp2: boolean;
  readonly proxy: ProxyConfig;
  /** Headers to add to each request. Undefined when there is no `http_headers` block. */
  readonly httpHeaders: ReadonlyMap<string, HttpHeaderConfig> | undefined;
}

/** Values of one header: plain ones, secret ones, and ones read from files. */
export interface HttpHeaderConfig {
  readonly values: readonly string[];
  readonly secrets: readonly Secret[];
  readonly files: readonly string[];
}

/** User and password; each given as text or as a file, never as both. */
export interface BasicAuthConfig {
  readonly username: string;
  readonly usernameFile: string;
  readonly password: Secret;
  readonly passwordFile: string;
}

/** `Authorization: <type> <credentials>`. */
export interface AuthorizationConfig {
  /** "Bearer" unless set; never "basic". */
  readonly type: string;
  readonly credentials: Secret;
  readonly credentialsFile: string;
}

/** OAuth 2.0 client credentials, or a signed assertion (RFC 7523). */
export interface OAuth2Config {
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly clientSecretFile: string;
  readonly clientCertificateKeyId: string;
  readonly clientCertificateKey: Secret;
  readonly clientCertificateKeyFile: string;
  /** "" means `client_credentials`. */
  readonly grantType: string;
  /** "" means RS256. */
  readonly signatureAlgorithm: string;
  readonly iss: string;
  readonly audience: string;
  readonly claims: ReadonlyMap<string, unknown>;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly endpointParams: ReadonlyMap<string, string>;
  readonly tls: TlsConfig;
  readonly proxy: ProxyConfig;
}

/** A TLS version as the configuration names it; "" leaves the choice to the library. */
export type TlsVersion = "TLS10" | "TLS11" | "TLS12" | "TLS13" | "";

/** The client's side of TLS. Text and file of one thing are never both given; "" stands for not given. */
export interface TlsConfig {
  readonly ca: string;
  readonly cert: string;
  readonly key: Secret;
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
}

/** Which proxy to go through. */
export interface ProxyConfig {
  readonly proxyUrl: ConfigUrl | undefined;
  /** Comma-separated hosts, domains and networks that are reached directly. */
  readonly noProxy: string;
  /** Take `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of the environment. */
  readonly proxyFromEnvironment: boolean;
  /** Headers for the CONNECT request. */
  readonly proxyConnectHeader: ReadonlyMap<string, readonly Secret[]>;
}
