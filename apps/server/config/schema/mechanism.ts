// What the tables of discovery mechanisms are written with: keys, defaults, and checks that end at the first mistake.
//
// Bodies are read into plain objects whose properties are the keys in camel case (durations with `Ms` behind); HTTP client keys stand in `http`.
import {
  type Codec,
  completeHttpClient,
  type Field,
  field,
  httpClientShape,
  type Inline,
  type Secret,
  struct,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import type { DiscoveryKind, HttpClientConfig } from "../types.ts";

const { checkedText, duration, int, urlSyntaxProblem } = yamlCodec;

/** One mechanism of a table: the name in front of `_sd_configs`, and how its bodies are read. */
export type Mechanism = readonly [kind: Exclude<DiscoveryKind, "static">, codec: Codec<DiscoveryBody>];

/** A mechanism's keys as read: `http` is there when the mechanism takes HTTP client keys. */
export type DiscoveryBody = Record<string, unknown> & { readonly http?: HttpClientConfig };

/** The first thing wrong with a body: the text and the key at fault; undefined for a good one. */
export type Check = (body: DiscoveryBody, reader: YamlReader) => readonly [message: string, key?: string] | undefined;

/** Milliseconds. */
export const SECOND = 1000;
/** Milliseconds. */
export const MINUTE = 60_000;

/** A key that is written only when not zero; its property ends in `Ms` where it holds a duration. */
export function key(name: string, codec: Codec<never> | Codec<unknown> | Codec<string>, initial?: unknown): Field {
  return field<Record<string, unknown>>(
    name,
    camelCase(name) + (codec === duration ? "Ms" : ""),
    codec,
    initial === undefined ? {} : { initial: () => initial },
  );
}

/** A key that is written always. */
export function kept(name: string, codec: Codec<never> | Codec<unknown> | Codec<string>, initial?: unknown): Field {
  return { ...key(name, codec, initial), keep: true };
}

/** The property of a key: `tag_separator` is `tagSeparator`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Reads one mechanism's bodies; `type` is what the reference calls it in its messages. */
export function mechanism(type: string, members: readonly (Field | Inline)[], check?: Check): Codec<DiscoveryBody> {
  return struct<DiscoveryBody>(type, members, {
    check(body, reader) {
      const problem = check?.(body, reader);
      if (problem !== undefined) reader.invalid(reader.place(body, problem[1]), problem[0]);
      else if (body.http !== undefined) completeHttpClient(body.http, reader);
    },
  });
}

/** A text that must be one of `names`. */
export function oneOf(names: readonly string[], problem: (name: string) => string): Codec<string> {
  return checkedText<string>("string", (name) => (names.includes(name) ? undefined : problem(name)));
}

/** The parts of an absolute address, as far as the checks need them. */
export function addressParts(address: string): { scheme: string; host: string } {
  const [, scheme = "", authority = ""] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(address) ?? [];
  return { scheme: scheme.toLowerCase(), host: authority.slice(authority.lastIndexOf("@") + 1) };
}

/** Why an address cannot be asked over HTTP, in the reference's words; undefined for a good one. */
export function httpAddressProblem(address: string): string | undefined {
  if (address === "") return "URL is missing";
  const syntax = urlSyntaxProblem(address);
  if (syntax !== undefined) return syntax;
  const { scheme, host } = addressParts(address);
  if (scheme !== "http" && scheme !== "https") return "URL scheme must be 'http' or 'https'";
  return host === "" ? "host is missing in URL" : undefined;
}

/** The message and the key of the first that is empty; undefined when all are there. */
export function missing(
  body: DiscoveryBody,
  required: readonly (readonly [name: string, message: string])[],
): readonly [string, string] | undefined {
  for (const [name, message] of required) {
    const value = body[camelCase(name)];
    if (value === "" || value === undefined || isEmptySecret(value)) return [message, name];
  }
  return undefined;
}

/** Whether a value is a secret without a text. */
export function isEmptySecret(value: unknown): boolean {
  return typeof value === "object" && value !== null && "isEmpty" in value && (value as Secret).isEmpty;
}

/** The keys of an HTTP client, among a mechanism's own. */
export const http: Inline = { name: "http", inline: httpClientShape };

/** `refresh_interval`, written only when not zero; and written always. */
export const refresh = (ms: number): Field => key("refresh_interval", duration, ms);
export const keptRefresh = (ms: number): Field => kept("refresh_interval", duration, ms);

/** `port`, 80 unless told. */
export const port: Field = kept("port", int, 80);
