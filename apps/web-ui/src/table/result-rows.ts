/** An instant answer as rows of a table: sorted, filtered and cut to what is worth showing. */
import type { ApiHistogram, ApiSample, QueryData } from "../api/answers.ts";
import { formatSeries, type LabelMap, matchesSearch } from "../format/labels.ts";
import { parseValue } from "../format/number.ts";

/** What stands in the value column: one value, several with their times (a range vector), a histogram, or a text. */
export type Cell =
  | { readonly kind: "value"; readonly sample: ApiSample }
  | { readonly kind: "samples"; readonly samples: readonly ApiSample[] }
  | { readonly kind: "histograms"; readonly histograms: readonly (readonly [number, ApiHistogram])[] }
  | { readonly kind: "text"; readonly sample: ApiSample };

/** One line of the table; `labels` is null for scalars and strings, which belong to no series. */
export interface ResultRow {
  readonly labels: LabelMap | null;
  readonly cell: Cell;
}

/** Order of the rows: as the server sent them, by series text, or by value. */
export type RowOrder = "server" | "series" | "ascending" | "descending";

/** Flattens any kind of answer into rows, in the server's order. */
export function resultRows(data: QueryData): ResultRow[] {
  switch (data.resultType) {
    case "scalar":
      return [{ labels: null, cell: { kind: "value", sample: data.result } }];
    case "string":
      return [{ labels: null, cell: { kind: "text", sample: data.result } }];
    case "vector":
      return data.result.map(({ metric, value, histogram }) => ({
        labels: metric,
        cell: histogram
          ? { kind: "histograms", histograms: [histogram] }
          : { kind: "value", sample: value ?? [0, "NaN"] },
      }));
    case "matrix":
      return data.result.map(({ metric, values, histograms }) => ({
        labels: metric,
        cell: histograms?.length ? { kind: "histograms", histograms } : { kind: "samples", samples: values ?? [] },
      }));
  }
}

/** Keeps rows that match every word of `search` and sorts them; the input is left alone. NaN sorts last both ways. */
export function arrangeRows(rows: readonly ResultRow[], search: string, order: RowOrder): ResultRow[] {
  const kept = rows.filter((row) => matchesSearch(search, row.labels ?? {}));
  if (order === "server") return kept;
  if (order === "series") {
    const keyed = kept.map((row) => ({ row, key: formatSeries(row.labels ?? {}) }));
    return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ row }) => row);
  }
  const sign = order === "ascending" ? 1 : -1;
  const keyed = kept.map((row) => ({ row, key: rowValue(row) }));
  keyed.sort((a, b) => {
    if (Number.isNaN(a.key) || Number.isNaN(b.key)) return Number(Number.isNaN(a.key)) - Number(Number.isNaN(b.key));
    return a.key === b.key ? 0 : a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}

/** The number a row sorts by: its value, its last sample, or its histogram's count. */
export function rowValue({ cell }: ResultRow): number {
  switch (cell.kind) {
    case "value":
      return parseValue(cell.sample[1]);
    case "samples":
      return parseValue(cell.samples.at(-1)?.[1] ?? "");
    case "histograms":
      return parseValue(cell.histograms.at(-1)?.[1].count ?? "");
    case "text":
      return Number.NaN;
  }
}
