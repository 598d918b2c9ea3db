// Types of values that only tools have: files that must be there, addresses.
import { statSync } from "node:fs";
import { basename } from "node:path";
import { type FlagType, parseGoDuration, quote } from "@narthex/toolkit";

/** The path of a regular file, or of a pipe. */
export const existingFile: FlagType<string> = {
  parse(path) {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new Error(`path '${path}' does not exist`);
    if (stats.isDirectory()) throw new Error(`'${basename(path)}' is a directory`);
    return path;
  },
  format: String,
  zero: "",
};

/** A file that is opened. */
export const openFile: FlagType<string> = {
  parse(path) {
    if (statSync(path, { throwIfNoEntry: false }) === undefined)
      throw new Error(`open ${path}: no such file or directory`);
    return path;
  },
  format: String,
  zero: "",
};

/** Milliseconds, written as Go does, and in days and weeks besides: `1w2d3h`. */
export const longDuration: FlagType<number> = {
  parse(text) {
    const inHours = text.replace(/(\d+\.?\d*|\.\d+)([dw])/g, (_, count: string, unit: string) => {
      return `${Number(count) * (unit === "d" ? 24 : 168)}h`;
    });
    return parseGoDuration(inHours === text ? text : inHours);
  },
  format: String,
  zero: 0,
};

/** An address as it was written, taken apart as Go takes it apart. */
export interface ServiceAddress {
  /** "" for none. */
  readonly scheme: string;
  readonly username: string | undefined;
  readonly password: string;
  /** Host and port; "" for none. */
  readonly host: string;
  readonly path: string;
}

export const address: FlagType<ServiceAddress> = {
  parse(text) {
    const refuse = (reason: string): never => {
      throw new Error(`parse ${quote(text)}: ${reason}`);
    };
    const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(text)?.[1] ?? "";
    const rest = scheme === "" ? text : text.slice(scheme.length + 1);
    if (scheme === "" && text.startsWith(":")) refuse("missing protocol scheme");
    if (scheme === "" && /^[^/?#]*:/.test(text)) refuse("first path segment in URL cannot contain colon");
    const [, authority, path = ""] = /^(?:\/\/([^/?#]*))?([^?#]*)/.exec(rest) as RegExpExecArray;
    const at = authority?.lastIndexOf("@") ?? -1;
    const host = authority?.slice(at + 1) ?? "";
    if (/[\s<>"]/.test(host)) refuse(`invalid character ${quote(/[\s<>"]/.exec(host)?.[0] ?? "")} in host name`);
    const port = /:([^\]]*)$/.exec(host)?.[1] ?? "";
    if (!/^\d*$/.test(port)) refuse(`invalid port ${quote(`:${port}`)} after host`);
    const user = at < 0 ? undefined : (authority as string).slice(0, at);
    const [username, ...password] = user?.split(":") ?? [];
    return {
      scheme: scheme.toLowerCase(),
      username: username === undefined ? undefined : decodeURIComponent(username),
      password: decodeURIComponent(password.join(":")),
      host,
      // What stands behind a scheme without slashes is no path.
      path: scheme === "" || authority !== undefined || path.startsWith("/") ? path : "",
    };
  },
  format: String,
  zero: { scheme: "", username: undefined, password: "", host: "", path: "" },
};
