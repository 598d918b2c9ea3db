// label_replace and label_join: they see series, not samples.
import { compileReplaceRegex, METRIC_NAME, type ReplaceRegex } from "@narthex/model";
import type { Evaluation } from "./evaluation.ts";
import { isLabelName } from "./label-name.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import { mergeDuplicates, type Row, type RowSink } from "./row.ts";

/** Patterns of `label_replace` stay compiled, so many at a time: compiling one takes longer than a small query. */
const compiled = new Map<string, ReplaceRegex>();
const MAX_COMPILED = 64;
/** Longer ones are not kept. */
const MAX_PATTERN_LENGTH = 1024;

function compile(pattern: string): ReplaceRegex {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const regex = compileReplaceRegex(pattern);
  if (pattern.length > MAX_PATTERN_LENGTH) return regex;
  if (compiled.size >= MAX_COMPILED) compiled.clear();
  compiled.set(pattern, regex);
  return regex;
}

/** Streams the rows of `label_replace(v, dst, replacement, src, regex)`. */
export function streamLabelReplace(ev: Evaluation, { args }: CallNode, sink: RowSink): void {
  const target = text(args[1]);
  const replacement = text(args[2]);
  const source = text(args[3]);
  const pattern = text(args[4]);
  let regex: ReplaceRegex;
  try {
    regex = compile(pattern);
  } catch (error) {
    throw new QueryError("execution", `invalid regular expression in label_replace(): ${pattern}`, { cause: error });
  }
  if (!isLabelName(target)) {
    throw new QueryError("execution", `invalid destination label name in label_replace(): ${target}`);
  }
  relabel(ev, args[0] as PlanNode, sink, (row) => {
    const value = regex.expand(replacement, row.labels.get(source));
    if (value === undefined) return;
    row.labels = row.labels.with(target, value);
    if (target === METRIC_NAME) row.dropName = false;
  });
}

/** Streams the rows of `label_join(v, dst, separator, src...)`. */
export function streamLabelJoin(ev: Evaluation, { args }: CallNode, sink: RowSink): void {
  const target = text(args[1]);
  const separator = text(args[2]);
  const sources = args.slice(3).map(text);
  for (const source of sources) {
    if (!isLabelName(source)) {
      throw new QueryError("execution", `invalid source label name in label_join(): ${source}`);
    }
  }
  if (!isLabelName(target)) {
    throw new QueryError("execution", `invalid destination label name in label_join(): ${target}`);
  }
  relabel(ev, args[0] as PlanNode, sink, (row) => {
    row.labels = row.labels.with(target, sources.map((source) => row.labels.get(source)).join(separator));
    if (target === METRIC_NAME) row.dropName = false;
  });
}

function relabel(ev: Evaluation, node: PlanNode, sink: RowSink, change: (row: Row) => void): void {
  const rows: Row[] = [];
  ev.stream(node, true, (row) => {
    change(row);
    rows.push(row);
  });
  for (const row of mergeDuplicates(rows)) sink(row);
}

function text(node: PlanNode | undefined): string {
  return node?.kind === "string" ? node.value : "";
}
