// The URL under which the server is reached from outside, and the prefix of its routes.

/** What `--web.external-url` and `--web.route-prefix` come to. */
export interface WebAddress {
  /** Absolute, without a slash at the end unless that is the whole path. */
  readonly externalUrl: string;
  /** Path part of the external URL: "" or `/x`, no slash at the end. */
  readonly externalPath: string;
  /** `/` or `/x`: what all routes begin with. */
  readonly routePrefix: string;
}

/** A URL that cannot be used; the message is the reference's. */
export class ExternalUrlError extends Error {
  override readonly name = "ExternalUrlError";
}

/**
 * Works out the addresses. Without an external URL it is `http://HOSTNAME:PORT/`, the port being that of the first
 * listen address. Throws an `ExternalUrlError`.
 */
export function webAddress(
  externalUrl: string,
  routePrefix: string,
  listenAddress: string,
  hostname: string,
): WebAddress {
  const url = externalUrl === "" ? `http://${hostname}:${portOf(listenAddress)}/` : externalUrl;
  if (/^["']|["']$/.test(url)) throw new ExternalUrlError("URL must not begin or end with quotes");
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#]*)([^?#]*)/.exec(url);
  if (match === null) {
    if (/^[a-zA-Z][a-zA-Z0-9+.-]*:|^\//.test(url))
      throw new ExternalUrlError(`parse ${JSON.stringify(url)}: missing host`);
    throw new ExternalUrlError(
      `parse ${JSON.stringify(url)}: missing protocol scheme: write it as http://HOST:PORT/PATH`,
    );
  }
  const [, scheme, authority, path] = match as unknown as [string, string, string, string];
  if (/\s/.test(authority)) {
    throw new ExternalUrlError(`parse ${JSON.stringify(url)}: invalid character " " in host name`);
  }
  const trimmed = path.replace(/\/+$/, "");
  const externalPath = trimmed === "" || trimmed.startsWith("/") ? trimmed : `/${trimmed}`;
  const prefix = routePrefix === "" ? externalPath : routePrefix;
  return {
    externalUrl: `${scheme}://${authority}${externalPath === "" && externalUrl === "" ? "/" : externalPath}`,
    externalPath,
    routePrefix: `/${prefix.replace(/^\/+|\/+$/g, "")}`,
  };
}

function portOf(address: string): string {
  const colon = address.lastIndexOf(":");
  if (colon < 0) throw new ExternalUrlError(`address ${address}: missing port in address`);
  return address.slice(colon + 1);
}
