// What reading a YAML tree into values needs: a place to report problems, and the memory of where values came from.

import type { YamlValue } from "./emit.ts";
import type { Position, YamlMapping, YamlNode, YamlScalar } from "./node.ts";
import { isNullText, tagOf } from "./resolve.ts";

/** One thing wrong with a document. */
export interface YamlProblem {
  readonly at: Position;
  readonly message: string;
  /** `shape`: a key or a type that does not fit. `value`: it fits, but must not be. */
  readonly kind: "shape" | "value";
}

/** More problems than this are not collected: by then the file is another kind of file. */
const MAX_PROBLEMS = 50;

/** Collects the problems of one document and remembers which mapping each value was read from. */
export class YamlReader {
  readonly #problems: YamlProblem[] = [];
  readonly #origins = new WeakMap<object, YamlNode>();
  /** Relative paths in the document are meant relative to this. */
  readonly directory: string;

  constructor(directory = ".") {
    this.directory = directory;
  }

  /** In the order of the document. */
  get problems(): readonly YamlProblem[] {
    return this.#problems.toSorted((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  }

  /** How many there are so far: a reader of a whole looks here whether its parts were sound. */
  get problemCount(): number {
    return this.#problems.length;
  }

  /** A key or type that does not fit. */
  misshapen(at: Position, message: string): void {
    this.#add({ at, message, kind: "shape" });
  }

  /** A value that fits, but must not be. */
  invalid(at: Position, message: string): void {
    this.#add({ at, message, kind: "value" });
  }

  /** Notes where `value` was read from. */
  remember(value: object, node: YamlNode): void {
    this.#origins.set(value, node);
  }

  /** Where `key` of `value` was written, or else where `value` begins. */
  place(value: object, key?: string): Position {
    const node = this.#origins.get(value);
    const entry = key === undefined || node?.kind !== "mapping" ? undefined : entryOf(node, key);
    return (entry?.key ?? node)?.at ?? { line: 1, column: 1 };
  }

  /** Where the value of `key` was written, if it was. */
  valuePlace(value: object, key: string): Position | undefined {
    const node = this.#origins.get(value);
    return node?.kind === "mapping" ? entryOf(node, key)?.value.at : undefined;
  }

  /** Where the item `index` of the list under `key` was written. */
  itemPlace(value: object, key: string, index: number): Position {
    const node = this.#origins.get(value);
    const list = node?.kind === "mapping" ? entryOf(node, key)?.value : undefined;
    return (list?.kind === "sequence" ? list.items[index]?.at : undefined) ?? this.place(value, key);
  }

  /** Whether `key` was written with anything but null. */
  wasWritten(value: object, key: string): boolean {
    const node = this.#origins.get(value);
    const entry = node?.kind === "mapping" ? entryOf(node, key) : undefined;
    return entry !== undefined && !isNull(entry.value);
  }

  #add(problem: YamlProblem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }
}

/** How one type of value is read from YAML and written to it. */
export interface Codec<T> {
  /** The type's name in messages. */
  readonly type: string;
  /** Reads a node that is not null. Reports what is wrong and returns `zero()` then; never throws. */
  decode(node: YamlNode, reader: YamlReader): T;
  /** The value of "nothing": what null stands for. */
  zero(): T;
  /** True for values that need not be written. */
  isZero(value: T): boolean;
  encode(value: T): YamlValue;
}

/** Reads a node, null included. */
export function decodeNode<T>(codec: Codec<T>, node: YamlNode, reader: YamlReader): T {
  return isNull(node) ? codec.zero() : codec.decode(node, reader);
}

/** True for a plain text that means "nothing". */
export function isNull(node: YamlNode): boolean {
  return node.kind === "scalar" && node.plain && isNullText(node.text);
}

/** Reports that `node` is no `type`, in the words of the reference's YAML library. */
export function reportMismatch(node: YamlNode, type: string, reader: YamlReader): void {
  reader.misshapen(node.at, `cannot unmarshal ${describe(node)} into ${type}`);
}

function describe(node: YamlNode): string {
  if (node.kind === "sequence") return "!!seq";
  if (node.kind === "mapping") return "!!map";
  const shown = node.text.length > 10 ? `${node.text.slice(0, 7)}...` : node.text;
  return `${scalarTag(node)} \`${shown}\``;
}

function scalarTag(node: YamlScalar): string {
  return node.plain ? tagOf(node.text) : "!!str";
}

function entryOf(node: YamlMapping, key: string): YamlMapping["entries"][number] | undefined {
  return node.entries.findLast((entry) => entry.key.text === key);
}
