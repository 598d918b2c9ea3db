// Answers to searches: names and values that answer to what somebody types, a line of JSON for each batch and one that closes.
import { compareStrings } from "@narthex/model";
import { parseMetricSelector, QueryError } from "@narthex/promql";
import type { Queryable } from "@narthex/storage";
import type { ByteSink } from "../json/byte-sink.ts";
import { type ScoreOptions, scoreOf } from "./term-score.ts";

/** A search as plain data, so that it can cross over to a worker. Milliseconds. */
export interface SearchRequest extends ScoreOptions {
  readonly kind: "search";
  /** Name of the label whose values are searched; undefined for the names of labels. */
  readonly label: string | undefined;
  readonly selectors: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly terms: readonly string[];
  readonly order: "ascending" | "descending" | "score";
  /** What a result is called in the answer. */
  readonly field: "name" | "value";
  readonly includeScore: boolean;
  readonly limit: number;
  readonly batchSize: number;
  /** What is known of metrics, by name; undefined where nobody asked. */
  readonly metadata: ReadonlyMap<string, MetricMetadata> | undefined;
}

export interface MetricMetadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

interface Found {
  readonly text: string;
  readonly score: number;
}

/** How often a long search looks whether it is still wanted, in texts. */
const CHECK_EVERY = 256;

/** Answers into `sink`. Throws a `QueryError` when cancelled. */
export function answerSearch(
  request: SearchRequest,
  context: { readonly queryable: Queryable; cancelled(): boolean },
  sink: ByteSink,
): void {
  const { limit, batchSize } = request;
  const all = search(request, context);
  const found = all.slice(0, limit);
  // Also without results: so that there is always a line of them.
  for (let i = 0; i === 0 || i < found.length; i += batchSize) {
    const results = found.slice(i, i + batchSize).map((one) => resultOf(one, request));
    writeLine(sink, { results });
  }
  writeLine(sink, { status: "success", has_more: all.length > limit });
  sink.flush();
}

/** What is found, in order; at least one more than the limit if there is more. */
function search(
  request: SearchRequest,
  { queryable, cancelled }: { readonly queryable: Queryable; cancelled(): boolean },
): Found[] {
  const { order, limit } = request;
  const score = scoreOf(request.terms, request);
  const texts = textsOf(request, queryable);
  if (order === "descending") texts.reverse();
  const found: Found[] = [];
  for (let i = 0; i < texts.length; i++) {
    if (i % CHECK_EVERY === 0 && cancelled()) throw new QueryError("canceled", "context canceled");
    const text = texts[i] as string;
    const scored = score(text);
    if (scored === undefined) continue;
    found.push({ text, score: scored });
    if (order !== "score" && found.length > limit) break;
  }
  // Equal ones stay in the order of their texts.
  return order === "score" ? found.sort((a, b) => b.score - a.score) : found;
}

function textsOf({ label, selectors, minTime, maxTime }: SearchRequest, queryable: Queryable): string[] {
  const querier = queryable.querier(minTime, maxTime);
  try {
    const sets = selectors.length === 0 ? [[]] : selectors.map((selector) => parseMetricSelector(selector));
    const lists = sets.map((matchers) =>
      label === undefined ? querier.labelNames(matchers, 0) : querier.labelValues(label, matchers, 0),
    );
    const texts = lists.flatMap(({ values }) => [...values]);
    return lists.length > 1 ? [...new Set(texts)].sort(compareStrings) : texts;
  } finally {
    querier.close();
  }
}

function resultOf({ text, score }: Found, { field, includeScore, metadata }: SearchRequest): object {
  const known = metadata?.get(text);
  return {
    [field]: text,
    ...(includeScore ? { score } : {}),
    ...(known === undefined ? {} : filled({ type: known.type, help: known.help, unit: known.unit })),
  };
}

/** Without what is empty. */
function filled(fields: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, text]) => text !== ""));
}

function writeLine(sink: ByteSink, line: object): void {
  const text = JSON.stringify(line).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  sink.text(`${text}\n`);
}
