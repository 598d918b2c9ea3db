// The headers that a client's configuration asks for: credentials and whatever else is named there.
import type { HttpClientConfig } from "./config.ts";
import { readCredential } from "./route.ts";

/**
 * Headers for one request: basic authentication, a token, `http_headers`; what OAuth 2.0 wants is
 * `TokenSource`'s. Files are read now, so that what they hold
 * may change between requests. Throws a `CredentialError` for a file that cannot be read.
 */
export function ownHeaders(config: HttpClientConfig): Record<string, string | string[]> {
  const { basicAuth, authorization, httpHeaders } = config;
  const headers: Record<string, string | string[]> = {};
  if (basicAuth !== undefined) {
    const user = basicAuth.usernameFile === "" ? basicAuth.username : readCredential(basicAuth.usernameFile);
    const password =
      basicAuth.passwordFile === "" ? basicAuth.password.reveal() : readCredential(basicAuth.passwordFile);
    headers["Authorization"] = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  }
  if (authorization !== undefined) {
    const { credentials, credentialsFile } = authorization;
    const text = credentialsFile === "" ? credentials.reveal() : readCredential(credentialsFile);
    headers["Authorization"] = `${authorization.type} ${text}`;
  }
  for (const [name, header] of httpHeaders ?? []) {
    headers[name] = [
      ...header.values,
      ...header.secrets.map((secret) => secret.reveal()),
      ...header.files.map(readCredential),
    ];
  }
  return headers;
}
