// How long parsing, checking and printing take. Run: node packages/promql/dist/parser/parser.bench.js
import { exprToJson } from "./expr-json.ts";
import { parseExpr } from "./parser.ts";
import { prettify } from "./prettifier.ts";
import { printExpr } from "./printer.ts";

const RATE = 'rate(http_requests_total{job="api", code!="500"}[5m])';
const QUERIES: Readonly<Record<string, string>> = {
  selector: "up",
  "two matchers": 'http_requests_total{job="api", code!="500"}',
  "ratio of rates": `sum by (job) (${RATE}) / ignoring (x) group_left () (sum without (code) (${RATE}) > bool 1)`,
  "100 terms": Array.from({ length: 100 }, (_, i) => `metric_${i}{a="b"}`).join(" + "),
};

/** Microseconds of one run: the best of ten batches of about 20 ms. */
function microseconds(run: () => unknown): number {
  let batch = 1;
  const timed = (): number => {
    const start = performance.now();
    for (let i = 0; i < batch; i++) run();
    return performance.now() - start;
  };
  while (timed() < 20) batch *= 2;
  return (Math.min(...Array.from({ length: 10 }, timed)) / batch) * 1000;
}

const table = Object.entries(QUERIES).map(([name, query]) => {
  const expr = parseExpr(query);
  return {
    query: name,
    characters: query.length,
    "parse µs": microseconds(() => parseExpr(query)).toFixed(1),
    "print µs": microseconds(() => printExpr(expr)).toFixed(1),
    "prettify µs": microseconds(() => prettify(expr)).toFixed(1),
    "JSON µs": microseconds(() => JSON.stringify(exprToJson(expr))).toFixed(1),
  };
});
console.table(table);
