// The URL under which the program is reached from outside, and the prefix of its routes.
import { hostname } from "node:os";

export interface WebAddress {
  /** Without a slash at the end. */
  readonly externalUrl: string;
  /** "" or `/prefix`. */
  readonly routePrefix: string;
}

/** Works both out of the flags and the port that is open. Throws an error with one clear sentence. */
export function webAddress(external: string, prefix: string, port: number): WebAddress {
  const url = external === "" ? `http://${hostname()}:${port}/` : external;
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):\/\/([^/?#\s]+)([^?#]*)/.exec(url);
  const scheme = match?.[1]?.toLowerCase();
  if (match === null || (scheme !== "http" && scheme !== "https"))
    throw new Error(
      `failed to determine external URL: ${JSON.stringify(url)}: invalid, only "http" and "https" are supported`,
    );
  const [, , authority, path = ""] = match;
  const trimmed = path.replace(/\/+$/, "");
  const route = (prefix === "" ? trimmed : prefix).replace(/^\/+|\/+$/g, "");
  return { externalUrl: `${scheme}://${authority}${trimmed}`, routePrefix: route === "" ? "" : `/${route}` };
}
