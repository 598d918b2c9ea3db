// From text to a tree of nodes with positions. What plain-document.ts does not read is the `yaml` package's business; here its tree is made ours:
// aliases resolved within bounds, merge keys unfolded, every scalar left as text.
import {
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  Parser,
  type YAMLError,
} from "yaml";
import { type Position, type YamlEntry, type YamlNode, type YamlScalar, YamlSyntaxError } from "./node.ts";
import { readPlainDocument } from "./plain-document.ts";

/** Deeper nesting is refused: no file of people comes near. */
const MAX_DEPTH = 200;
/** Nodes that aliases may add up to before a document counts as an attack. */
const MAX_ALIASED_NODES = 100_000;

export interface ParsedYaml {
  /** The first document; undefined when there is none or it is empty. */
  readonly root: YamlNode | undefined;
  /** Where a second document begins, if there is one. */
  readonly secondDocument: Position | undefined;
}

/** Parses the first document of a text. Throws a `YamlSyntaxError` that says where the text stops being YAML. */
export function parseYaml(text: string): ParsedYaml {
  const root = readPlainDocument(text);
  return root === undefined ? parseByLibrary(text) : { root, secondDocument: undefined };
}

/** The same for all of YAML. */
export function parseByLibrary(text: string): ParsedYaml {
  const lines = new LineCounter();
  // The library composes nodes recursively, and a stack that runs out inside V8 takes the process with it. So the flat
  // pass comes first, and what is nested too deep never reaches the recursive one.
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  refuseDepth(tokens, lines);
  const composer = new Composer({
    schema: "failsafe",
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: "silent",
    lineCounter: lines,
  });
  const [first, second] = [...composer.compose(tokens, false, text.length)];
  if (first === undefined) return { root: undefined, secondDocument: undefined };
  const [mistake] = first.errors;
  if (mistake !== undefined) throw syntaxError(mistake, lines);
  const converter = new Converter(first, lines);
  const root = first.contents === null ? undefined : converter.convert(first.contents);
  return { root, secondDocument: second === undefined ? undefined : positionOf(second.range[0], lines) };
}

/** Walks over tokens without recursion and throws at the first one below the bound. */
function refuseDepth(tokens: readonly CST.Token[], lines: LineCounter): void {
  const open: [token: CST.Token, depth: number][] = tokens.map((token) => [token, 0]);
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [token, depth] = next;
    if (depth > MAX_DEPTH) {
      const message = `yaml: exceeded max depth of ${MAX_DEPTH}`;
      throw new YamlSyntaxError(message, "offset" in token ? positionOf(token.offset, lines) : START);
    }
    if (token.type === "document" && token.value !== undefined) open.push([token.value, depth]);
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      if (key !== undefined && key !== null) open.push([key, depth + 1]);
      if (value !== undefined) open.push([value, depth + 1]);
    }
  }
}

const START: Position = { line: 1, column: 1 };

function positionOf(offset: number, lines: LineCounter): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** The library's kinds of mistake in the words that operators know from the reference. */
const FAMILIAR_WORDS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "found character that cannot start any token",
  BAD_INDENT: "did not find expected key",
  BLOCK_AS_IMPLICIT_KEY: "mapping values are not allowed in this context",
  BAD_SCALAR_START: "found character that cannot start any token",
  BAD_ALIAS: "did not find expected alphabetic or numeric character",
  MULTILINE_IMPLICIT_KEY: "could not find expected ':'",
  MISSING_CHAR: "did not find expected token",
};

function syntaxError(error: YAMLError, lines: LineCounter): YamlSyntaxError {
  const at = positionOf(error.pos[0], lines);
  const detail = (error.message.split("\n")[0] as string).replace(/:$/, "");
  const lower = detail.charAt(0).toLowerCase() + detail.slice(1);
  const familiar = FAMILIAR_WORDS[error.code];
  const words = familiar === undefined ? lower : `${familiar} (${lower})`;
  return new YamlSyntaxError(`yaml: line ${at.line}: ${words}`, at, { cause: error });
}

interface Extent {
  readonly size: number;
  readonly depth: number;
}

const LEAF: Extent = { size: 1, depth: 0 };

class Converter {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  /** Nodes behind an alias are converted once and shared. */
  readonly #extents = new Map<YamlNode, Extent>();
  readonly #converted = new Map<unknown, YamlNode>();
  readonly #open = new Set<unknown>();
  #aliasedNodes = 0;

  constructor(document: Document.Parsed, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  convert(node: unknown): YamlNode {
    const done = this.#converted.get(node);
    if (done !== undefined) return done;
    const at = this.#at(node);
    if (isAlias(node)) return this.#resolve(node, at);
    if (isScalar(node)) {
      const text = typeof node.value === "string" ? node.value : "";
      const plain = (node.type === undefined || node.type === "PLAIN") && node.tag !== "tag:yaml.org,2002:str";
      return { kind: "scalar", text, plain, at };
    }
    this.#open.add(node);
    let converted: YamlNode;
    if (isSeq(node)) {
      converted = { kind: "sequence", items: node.items.map((item) => this.convert(item)), at };
    } else if (isMap(node)) {
      converted = { kind: "mapping", entries: this.#entries(node.items, at), at };
    } else {
      converted = { kind: "scalar", text: "", plain: true, at };
    }
    this.#open.delete(node);
    this.#converted.set(node, converted);
    return converted;
  }

  #entries(pairs: readonly { key: unknown; value: unknown }[], parent: Position): YamlEntry[] {
    const merged: YamlEntry[] = [];
    const written: YamlEntry[] = [];
    for (const pair of pairs) {
      const key = pair.key === null ? emptyScalar(parent) : this.convert(pair.key);
      if (key.kind !== "scalar") {
        throw new YamlSyntaxError(`yaml: line ${key.at.line}: invalid map key: only texts can be keys here`, key.at);
      }
      const value = pair.value === null ? emptyScalar(key.at) : this.convert(pair.value);
      if (key.plain && key.text === "<<") merged.push(...mergedEntries(value));
      else written.push({ key, value, merged: false });
    }
    if (merged.length === 0) return written;
    const taken = new Set(written.map((entry) => entry.key.text));
    const unfolded: YamlEntry[] = [];
    for (const entry of merged) {
      if (taken.has(entry.key.text)) continue;
      taken.add(entry.key.text);
      unfolded.push({ ...entry, merged: true });
    }
    return [...unfolded, ...written];
  }

  #resolve(alias: { source: string; resolve: (document: Document.Parsed) => unknown }, at: Position): YamlNode {
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      throw new YamlSyntaxError(`yaml: unknown anchor '${alias.source}' referenced`, at);
    }
    if (this.#open.has(target)) {
      throw new YamlSyntaxError(`yaml: anchor '${alias.source}' value contains itself`, at);
    }
    const node = this.convert(target);
    const { size, depth } = this.#measure(node);
    this.#aliasedNodes += size;
    if (this.#aliasedNodes > MAX_ALIASED_NODES || depth > MAX_DEPTH) {
      throw new YamlSyntaxError("yaml: document contains excessive aliasing", at);
    }
    return node;
  }

  /** How many nodes a reader meets below `node`, shared ones counted each time, and how deep they lie. */
  #measure(node: YamlNode): Extent {
    if (node.kind === "scalar") return LEAF;
    let extent = this.#extents.get(node);
    if (extent === undefined) {
      const children = node.kind === "sequence" ? node.items : node.entries.map((entry) => entry.value);
      let size = 1;
      let depth = 0;
      for (const child of children) {
        const below = this.#measure(child);
        size += below.size;
        depth = Math.max(depth, below.depth);
      }
      extent = { size, depth: depth + 1 };
      this.#extents.set(node, extent);
    }
    return extent;
  }

  #at(node: unknown): Position {
    const range = (node as { range?: readonly number[] | null }).range;
    return range === undefined || range === null ? START : positionOf(range[0] as number, this.#lines);
  }
}

function emptyScalar(at: Position): YamlScalar {
  return { kind: "scalar", text: "", plain: true, at };
}

function mergedEntries(value: YamlNode): readonly YamlEntry[] {
  if (value.kind === "mapping") return value.entries;
  if (value.kind === "sequence" && value.items.every((item) => item.kind === "mapping")) {
    return value.items.flatMap((item) => (item.kind === "mapping" ? item.entries : []));
  }
  throw new YamlSyntaxError("yaml: map merge requires map or sequence of maps as the value", value.at);
}
