// Which headers prove who asks: they are for the host that they were given for, and for no log.

/** In lower case: those of HTTP itself, and those by which APIs that are asked here want their tokens. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "cookie2",
  "www-authenticate",
  "x-amz-security-token",
  "x-auth-token",
  "x-aws-ec2-metadata-token",
  "x-consul-token",
]);

/** True for a header that carries a credential, in any spelling. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIAL_HEADERS.has(name.toLowerCase());
}

/** The headers that may follow a redirect to another host: all but those that carry credentials, whoever set them. */
export function withoutCredentials<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isCredentialHeader(name)));
}
