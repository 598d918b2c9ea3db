// What is wrong with a query, and where.
import type { Position } from "./ast.ts";
import { byteLength } from "./go-text.ts";

/** One fault; `message` has no place in it. */
export interface ParseIssue {
  readonly message: string;
  readonly pos: Position;
}

/**
 * A query, selector or series description that does not parse. `message` is that of the first issue, with its place,
 * word for word the reference's: `1:5: parse error: unexpected identifier "bar"`.
 */
export class ParseError extends Error {
  override readonly name = "ParseError";
  /** In the order in which they were found; never empty. */
  readonly issues: readonly ParseIssue[];
  readonly query: string;

  constructor(query: string, issues: readonly ParseIssue[]) {
    const [first] = issues as readonly [ParseIssue];
    super(`${describePlace(query, first.pos.start)}: parse error: ${first.message}`);
    this.issues = issues;
    this.query = query;
  }
}

/**
 * `line:column` of an offset into the query, both counted from 1. Columns count bytes of UTF-8, as the reference's do.
 * An empty query has no places: `unknown position`.
 */
export function describePlace(query: string, offset: number): string {
  if (query === "") return "unknown position";
  if (offset < 0 || offset > query.length) return "invalid position";
  const before = query.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  let line = 1;
  for (let i = 0; i < lineStart; i++) if (before.charCodeAt(i) === 10) line++;
  return `${line}:${byteLength(before.slice(lineStart)) + 1}`;
}
