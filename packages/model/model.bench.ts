// What matching and histogram arithmetic cost. Run: node packages/model/dist/model.bench.js

import { bench, do_not_optimize, group, run } from "mitata";
import { RE2JS } from "re2js";
import {
  addHistogram,
  compileRegex,
  compileReplaceRegex,
  copyHistogram,
  createCompensation,
  createHistogram,
  formatFloat,
  histogramQuantile,
  kahanAddHistogram,
} from "./index.ts";

const VALUES = Array.from(
  { length: 10_000 },
  (_, i) => `node-${i % 97}.region-${i % 7}.example.com:${9000 + (i % 500)}`,
);

group("10,000 label values", () => {
  const patterns: readonly [string, string][] = [
    [
      "literals",
      VALUES.slice(0, 20)
        .map((v) => v.replaceAll(".", "\\."))
        .join("|"),
    ],
    ["prefix", "node-1.*"],
    ["contains", ".*region-3.*"],
    ["wildcards", "node-1.*region-3.*:9.+"],
    ["backtracking", "node-[0-9]+\\.region-[0-9]\\.example\\.com:90[0-9]{2}"],
    ["re2, seen before", "(node-[0-9]+\\.?)+region-.*"],
  ];
  for (const [name, source] of patterns) {
    const regex = compileRegex(source);
    bench(`${name} (${regex.engine})`, () => {
      let matched = 0;
      for (const value of VALUES) if (regex.matches(value)) matched++;
      return do_not_optimize(matched);
    });
  }
  const engine = RE2JS.compile("node-[0-9]+\\.region-[0-9]\\.example\\.com:90[0-9]{2}", RE2JS.DOTALL);
  bench("the backtracking one on re2js instead", () => {
    let matched = 0;
    for (const value of VALUES) if (engine.matches(value)) matched++;
    return do_not_optimize(matched);
  });
  const replace = compileReplaceRegex("([^:]+)(?::\\d+)?");
  bench("replace by captures", () => {
    let length = 0;
    for (const value of VALUES) length += replace.expand("$1:9100", value)?.length ?? 0;
    return do_not_optimize(length);
  });
});

const histogram = createHistogram({
  schema: 3,
  count: 200,
  sum: 1000,
  positiveSpans: [
    { offset: 0, length: 20 },
    { offset: 4, length: 20 },
  ],
  positiveBuckets: new Float64Array(40).fill(5),
});

group("a native histogram of 40 buckets", () => {
  bench("copy", () => do_not_optimize(copyHistogram(histogram)));
  const sum = copyHistogram(histogram);
  bench("add, same layout", () => addHistogram(sum, histogram));
  const total = copyHistogram(histogram);
  const compensation = createCompensation(total);
  bench("add with compensation, same layout", () => kahanAddHistogram(total, histogram, compensation));
  bench("quantile", () => do_not_optimize(histogramQuantile(0.9, histogram)));
});

bench("formatFloat", () => do_not_optimize(formatFloat(1234.5678)));

await run();
