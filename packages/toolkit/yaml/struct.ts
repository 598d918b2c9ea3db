// Mappings with fixed keys: read strictly (an unknown or repeated key is a problem), filled with defaults, checked as a
// whole, and written back in the order in which the keys are declared.
import type { YamlValue } from "./emit.ts";
import type { YamlNode } from "./node.ts";
import { type Codec, decodeNode, reportMismatch, type YamlReader } from "./reader.ts";

/** One key of a mapping and the property that takes its value. */
export interface Field {
  readonly key: string;
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: fields of all types stand in one list; `field` checks each
  readonly codec: Codec<any>;
  /** Makes the value of a key that is not there. Without it: the type's zero value. */
  readonly initial?: (() => unknown) | undefined;
  /** Written even when zero. */
  readonly keep?: boolean | undefined;
  /** Decides from the whole value whether the key is left out; in place of "when zero". */
  readonly omit?: ((value: never) => boolean) | undefined;
}

/** Keys of another mapping that stand among the keys of this one, read into the object `name`. */
export interface Inline {
  readonly name: string;
  readonly inline: StructShape;
  /** Gives the parts of a finished value back for writing. Without it the value itself has them. */
  readonly unpack?: ((value: unknown) => object) | undefined;
}

/** The keys of a mapping in the order in which they are written. */
export interface StructShape {
  readonly members: readonly (Field | Inline)[];
}

/** Declares a key, its property, and how it is read. */
export function field<S, K extends keyof S & string = keyof S & string>(
  key: string,
  name: K,
  // biome-ignore lint/suspicious/noExplicitAny: the value's type is narrowed by the caller's draft type
  codec: Codec<any>,
  options: { readonly initial?: () => S[K]; readonly keep?: boolean } = {},
): Field {
  return { key, name, codec, initial: options.initial, keep: options.keep };
}

export interface StructOptions<S> {
  /** Checks a value whose parts are sound; reports to the reader. May complete the value. */
  readonly check?: (value: S, reader: YamlReader) => void;
}

/** A mapping with fixed keys. Values are plain objects of type `S`; null stands for the one with all parts zero. */
export function struct<S extends object>(
  type: string,
  members: readonly (Field | Inline)[],
  options: StructOptions<S> = {},
): Codec<S> & StructShape {
  const slots = new Map<string, { field: Field; path: readonly string[] }>();
  collectSlots(members, [], slots);
  return {
    type,
    members,
    decode(node, reader) {
      const value = makeInitial(members) as S;
      rememberAll(value, members, node, reader);
      if (node.kind !== "mapping") {
        reportMismatch(node, type, reader);
        return value;
      }
      const before = reader.problemCount;
      const written = new Set<string>();
      for (const { key, value: child, merged } of node.entries) {
        const slot = slots.get(key.text);
        if (slot === undefined) {
          reader.misshapen(key.at, `field ${key.text} not found in type ${type}${suggestion(key.text, slots.keys())}`);
          continue;
        }
        if (!merged && written.has(key.text)) {
          reader.misshapen(key.at, `field ${key.text} already set in type ${type}`);
          continue;
        }
        if (!merged) written.add(key.text);
        let target = value as Record<string, unknown>;
        for (const step of slot.path) target = target[step] as Record<string, unknown>;
        target[slot.field.name] = decodeNode(slot.field.codec, child, reader);
      }
      if (reader.problemCount === before) options.check?.(value, reader);
      return value;
    },
    zero: () => makeZero(members) as S,
    isZero: (value) => isZeroOf(members, value),
    encode(value) {
      const written = new Map<string, YamlValue>();
      encodeInto(written, members, value);
      return written;
    },
  };
}

/** The value of an empty mapping: all defaults. Not checked. */
export function initialOf<S extends object>(shape: Codec<S> & StructShape): S {
  return makeInitial(shape.members) as S;
}

function collectSlots(
  members: readonly (Field | Inline)[],
  path: readonly string[],
  slots: Map<string, { field: Field; path: readonly string[] }>,
): void {
  for (const member of members) {
    if ("inline" in member) collectSlots(member.inline.members, [...path, member.name], slots);
    else slots.set(member.key, { field: member, path });
  }
}

function makeInitial(members: readonly (Field | Inline)[]): object {
  const value: Record<string, unknown> = {};
  for (const member of members) {
    if ("inline" in member) value[member.name] = makeInitial(member.inline.members);
    else value[member.name] = member.initial === undefined ? member.codec.zero() : member.initial();
  }
  return value;
}

function makeZero(members: readonly (Field | Inline)[]): object {
  const value: Record<string, unknown> = {};
  for (const member of members) {
    value[member.name] = "inline" in member ? makeZero(member.inline.members) : member.codec.zero();
  }
  return value;
}

function rememberAll(value: object, members: readonly (Field | Inline)[], node: YamlNode, reader: YamlReader): void {
  reader.remember(value, node);
  for (const member of members) {
    if ("inline" in member) {
      rememberAll((value as Record<string, object>)[member.name] as object, member.inline.members, node, reader);
    }
  }
}

function isZeroOf(members: readonly (Field | Inline)[], value: object): boolean {
  const parts = value as Record<string, unknown>;
  return members.every((member) => {
    const part = parts[member.name];
    if (!("inline" in member)) return member.codec.isZero(part);
    return isZeroOf(member.inline.members, member.unpack === undefined ? (part as object) : member.unpack(part));
  });
}

function encodeInto(written: Map<string, YamlValue>, members: readonly (Field | Inline)[], value: object): void {
  const parts = value as Record<string, unknown>;
  for (const member of members) {
    const part = parts[member.name];
    if ("inline" in member) {
      encodeInto(written, member.inline.members, member.unpack === undefined ? (part as object) : member.unpack(part));
    } else if (isWritten(member, part, value)) {
      written.set(member.key, member.codec.encode(part));
    }
  }
}

function isWritten(member: Field, part: unknown, value: object): boolean {
  if (member.omit !== undefined) return !member.omit(value as never);
  return member.keep === true || !member.codec.isZero(part);
}

/** `, did you mean "x"?` for a key that is nearly one of the known ones. */
function suggestion(key: string, known: Iterable<string>): string {
  let best: string | undefined;
  let bestDistance = Math.min(3, Math.floor(key.length / 3) + 1);
  for (const candidate of known) {
    const distance = editDistance(key, candidate, bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? "" : `, did you mean ${JSON.stringify(best)}?`;
}

/** Insertions, deletions, replacements and swaps of neighbours from `a` to `b`; `limit` when there are as many or more. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min((previous[j] as number) + 1, (row[j - 1] as number) + 1, (previous[j - 1] as number) + cost);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, (beforePrevious[j - 2] as number) + 1);
      row[j] = best;
    }
    beforePrevious = previous;
    previous = row;
  }
  return Math.min(previous[b.length] as number, limit);
}
