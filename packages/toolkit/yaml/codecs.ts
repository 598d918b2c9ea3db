// Readers and writers of the simple types and of lists and maps made of them.
import { isAbsolute, join } from "node:path";
import { quote } from "../log/format.ts";
import { ConfigUrl, EMPTY_SECRET, Secret } from "../secret/secret.ts";
import { formatDuration, parseDuration } from "../units/duration.ts";
import { formatSize, parseSize } from "../units/size.ts";
import type { YamlValue } from "./emit.ts";
import type { Position, YamlNode } from "./node.ts";
import { type Codec, decodeNode, isNull, reportMismatch, type YamlReader } from "./reader.ts";
import { booleanOf, floatOf, integerOf } from "./resolve.ts";

/** Any scalar, as it was written: `5` and `true` are texts too where a text is wanted. */
export const text: Codec<string> = textOf("string");

/** The same under another name in messages. */
export function textOf(type: string): Codec<string> {
  return scalar(type, "", (node) => node.text);
}

/** A text whose check may refuse it; `check` returns what is wrong with it. */
export function checkedText<T extends string>(type: string, check: (text: string) => string | undefined): Codec<T> {
  return {
    ...(text as Codec<T>),
    type,
    decode(node, reader) {
      const value = text.decode(node, reader);
      if (node.kind !== "scalar") return "" as T;
      const problem = check(value);
      if (problem !== undefined) reader.invalid(node.at, problem);
      return value as T;
    },
  };
}

export const bool: Codec<boolean> = scalar("bool", false, (node) => (node.plain ? booleanOf(node.text) : undefined));

/** A whole number; fractions are cut off, as the reference does. */
export const int: Codec<number> = scalar("int", 0, (node) => (node.plain ? wholeOf(node.text) : undefined));

/** A whole number from 0 up. */
export const uint: Codec<number> = scalar("uint", 0, (node) => {
  const value = node.plain ? wholeOf(node.text) : undefined;
  return value === undefined || value < 0 ? undefined : value;
});

/** A whole number from 0 up to 2^64 - 1, exactly. */
export const uint64: Codec<bigint> = scalar("uint64", 0n, (node) => {
  const value = node.plain ? integerOf(node.text) : undefined;
  return value === undefined || value < 0n || value >= 1n << 64n ? undefined : value;
});

export const float: Codec<number> = scalar("float64", 0, (node) => (node.plain ? floatOf(node.text) : undefined));

/** Milliseconds, written `1h30m`. */
export const duration: Codec<number> = parsed("string", parseDuration, formatDuration);

/** Bytes, written `512MB`. */
export const size: Codec<number> = parsed("units.Base2Bytes", parseSize, formatSize);

/** The path of a file, resolved against the directory of the document; "" stays. `check` sees it as it was written. */
export function filePath(check?: (path: string) => string | undefined): Codec<string> {
  return {
    ...text,
    decode(node, reader) {
      const written = text.decode(node, reader);
      const problem = check?.(written);
      if (problem !== undefined) reader.invalid(node.at, problem);
      return written === "" || isAbsolute(written) ? written : join(reader.directory, written);
    },
  };
}

export const secret: Codec<Secret> = {
  type: "config.Secret",
  decode: (node, reader) => new Secret(text.decode(node, reader)),
  zero: () => EMPTY_SECRET,
  isZero: (value) => value.isEmpty,
  encode: (value) => (value.isEmpty ? null : value.toString()),
};

/** A URL, or undefined. Relative ones pass: what a URL must have is for its reader to say. */
export const url: Codec<ConfigUrl | undefined> = {
  type: "string",
  decode(node, reader) {
    const value = text.decode(node, reader);
    const problem = urlSyntaxProblem(value);
    if (problem !== undefined) reader.invalid(node.at, problem);
    return new ConfigUrl(value);
  },
  zero: () => undefined,
  isZero: (value) => value === undefined,
  encode: (value) => (value === undefined ? null : value.toString()),
};

/** Undefined for null and for a key that is not there. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    type: codec.type,
    decode: (node, reader) => codec.decode(node, reader),
    zero: () => undefined,
    isZero: (value) => value === undefined,
    encode: (value) => (value === undefined ? null : codec.encode(value)),
  };
}

/** A list. `nullItem` is what to say about a null among the items; without it null is the item's zero value. */
export function list<T>(codec: Codec<T>, options: { type?: string; nullItem?: string } = {}): Codec<readonly T[]> {
  const type = options.type ?? `[]${codec.type}`;
  return {
    type,
    decode(node, reader) {
      if (node.kind !== "sequence") {
        reportMismatch(node, type, reader);
        return [];
      }
      return node.items.map((item) => {
        if (options.nullItem !== undefined && isNull(item)) reader.invalid(item.at, options.nullItem);
        return decodeNode(codec, item, reader);
      });
    },
    zero: () => [],
    isZero: (value) => value.length === 0,
    encode: (value) => value.map((item) => codec.encode(item)),
  };
}

/** A mapping with free keys. `checkKey` says what is wrong with a key. Written sorted by key. */
export function map<T>(
  codec: Codec<T>,
  options: { type?: string; checkKey?: (key: string) => string | undefined } = {},
): Codec<ReadonlyMap<string, T>> {
  const type = options.type ?? `map[string]${codec.type}`;
  return {
    type,
    decode(node, reader) {
      const values = new Map<string, T>();
      if (node.kind !== "mapping") {
        reportMismatch(node, type, reader);
        return values;
      }
      const written = new Set<string>();
      for (const { key, value, merged } of node.entries) {
        if (!merged && written.has(key.text)) reader.misshapen(key.at, `key ${quote(key.text)} already set in map`);
        if (!merged) written.add(key.text);
        const problem = options.checkKey?.(key.text);
        if (problem !== undefined) reader.invalid(key.at, problem);
        values.set(key.text, decodeNode(codec, value, reader));
      }
      return values;
    },
    zero: () => new Map(),
    isZero: (value) => value.size === 0,
    encode: (value) => new Map([...value].sort(byKey).map(([key, item]) => [key, codec.encode(item)])),
  };
}

/** Anything at all, as the YAML means it: maps, arrays, texts, numbers, booleans, null. */
export const anything: Codec<unknown> = {
  type: "interface {}",
  decode: (node, reader) => meaningOf(node, reader),
  zero: () => undefined,
  isZero: (value) => value === undefined,
  encode: (value) => (value ?? null) as YamlValue,
};

function meaningOf(node: YamlNode, reader: YamlReader): unknown {
  if (node.kind === "sequence") return node.items.map((item) => meaningOf(item, reader));
  if (node.kind === "mapping") {
    return new Map(node.entries.map(({ key, value }) => [key.text, meaningOf(value, reader)]));
  }
  if (!node.plain) return node.text;
  if (isNull(node)) return null;
  return booleanOf(node.text) ?? floatOf(node.text) ?? node.text;
}

/** Sorts as the reference sorts keys: runs of digits by their number, letters before others. */
function byKey(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  const left = a[0].match(/\d+|\D/gu) ?? [];
  const right = b[0].match(/\d+|\D/gu) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [x, y] = [left[i] as string, right[i] as string];
    if (x === y) continue;
    const numbers = /^\d/.test(x) && /^\d/.test(y);
    if (numbers && Number(x) !== Number(y)) return Number(x) - Number(y);
    const letters = Number(/^\p{L}/u.test(y)) - Number(/^\p{L}/u.test(x));
    // A letter comes after a digit and after signs.
    if (letters !== 0) return -letters;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

function scalar<T>(
  type: string,
  zero: T & (string | number | bigint | boolean),
  read: (node: { readonly text: string; readonly plain: boolean; readonly at: Position }) => T | undefined,
): Codec<T> {
  return {
    type,
    decode(node, reader) {
      const value = node.kind === "scalar" ? read(node) : undefined;
      if (value === undefined) {
        reportMismatch(node, type, reader);
        return zero;
      }
      return value;
    },
    zero: () => zero,
    isZero: (value) => value === zero,
    encode: (value) => value as YamlValue,
  };
}

function parsed(type: string, parse: (text: string) => number, format: (value: number) => string): Codec<number> {
  return {
    type,
    decode(node, reader) {
      if (node.kind !== "scalar") {
        reportMismatch(node, type, reader);
        return 0;
      }
      try {
        return parse(node.text);
      } catch (error) {
        reader.invalid(node.at, (error as Error).message);
        return 0;
      }
    },
    zero: () => 0,
    isZero: (value) => value === 0,
    encode: (value) => format(value),
  };
}

/** The integer of a plain text, or a float with its fraction cut off; undefined beyond exact integers. */
function wholeOf(plain: string): number | undefined {
  const integer = integerOf(plain);
  const value = integer === undefined ? floatOf(plain) : Number(integer);
  return value === undefined || !Number.isFinite(value) || Math.abs(value) >= 2 ** 63 ? undefined : Math.trunc(value);
}

/** What makes a text unfit even for a lenient URL parser: `parse "…": <why>`, or undefined. */
export function urlSyntaxProblem(address: string): string | undefined {
  const problem = urlProblem(address);
  return problem === undefined ? undefined : `parse ${quote(address)}: ${problem}`;
}

function urlProblem(address: string): string | undefined {
  if (/[\x00-\x1f\x7f]/.test(address)) return "net/url: invalid control character in URL";
  if (address.startsWith(":")) return "missing protocol scheme";
  const [, authority] = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/([^/?#]*)/.exec(address) ?? [];
  const host = authority?.slice(authority.lastIndexOf("@") + 1) ?? "";
  if (host.includes(" ")) return 'invalid character " " in host name';
  const port = /^(?:\[[^\]]*\]|[^:[\]]*)(:.*)?$/.exec(host);
  if (port === null) return host.startsWith("[") ? "missing ']' in host" : undefined;
  if (port[1] !== undefined && !/^:\d*$/.test(port[1])) return `invalid port ${quote(port[1])} after host`;
  const badEscape = /%(?![0-9a-fA-F]{2}).{0,2}/.exec(address);
  return badEscape === null ? undefined : `invalid URL escape ${quote(badEscape[0])}`;
}
