// Addresses as Go splits them. Source: the documentation of Go's `net.SplitHostPort` and `net.JoinHostPort`.
import { isIP } from "node:net";

/** Host and port of `host:port` or `[host]:port`; undefined for anything else. */
export function splitHostPort(address: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*)):([^:[\]]*)$/.exec(address);
  return match === null ? undefined : { host: match[1] ?? match[2] ?? "", port: match[3] ?? "" };
}

export function joinHostPort(host: string, port: string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Whether a text is an IP address. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0 && !text.includes("%");
}
