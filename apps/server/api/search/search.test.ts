import assert from "node:assert/strict";
import { test } from "node:test";
import type { Queryable } from "@narthex/storage";
import type { Call } from "../../web/call.ts";
import { ByteSink } from "../json/byte-sink.ts";
import { Params } from "../params.ts";
import { type SearchOptions, SearchRoutes } from "../v1/search-routes.ts";
import { answerSearch, type SearchRequest } from "./search-answer.ts";

const NAMES = ["go_info", "http_requests_total", "http_size_bytes", "up"];
const queryable = {
  querier: () => ({
    labelNames: () => ({ values: ["__name__", "instance", "job"], truncated: false }),
    labelValues: (label: string) => ({ values: label === "__name__" ? NAMES : [`${label}<1>`], truncated: false }),
    close: () => undefined,
  }),
} as unknown as Queryable;

const NOW = 1_000_000_000;
const metadata = [new Map([["up", { type: "gauge", help: "Is it up & running?", unit: "" }]])];

/** The answer to a search, or why there is none. */
async function ask(
  path: "metricNames" | "labelNames" | "labelValues",
  query = "",
  options: Partial<SearchOptions> = {},
): Promise<string> {
  let text = "";
  let request: SearchRequest | undefined;
  const routes = new SearchRoutes({
    ...{ enabled: true, maxLimit: 10, metadata: () => metadata, now: () => NOW },
    queries: () => ({
      run: async (asked) => {
        request = asked as SearchRequest;
        const sink = new ByteSink((bytes) => {
          text += Buffer.from(bytes).toString("utf8");
        });
        answerSearch(request, { queryable, cancelled: () => false }, sink);
      },
    }),
    ...options,
  });
  const call = { params: new Params(query, ""), stream: () => ({ end: () => undefined }) } as unknown as Call;
  try {
    await routes[path](call);
  } catch (error) {
    return (error as Error).message;
  }
  if (query === "") assert.deepEqual([request?.minTime, request?.maxTime], [NOW - 3_600_000, NOW]);
  return text;
}

const closing = (more: boolean): string => `{"status":"success","has_more":${more}}\n`;

test("searches answer with lines: batches of results, and one that tells whether there are more", async () => {
  assert.equal(
    await ask("metricNames", "limit=3&batch_size=2"),
    `{"results":[{"name":"go_info"},{"name":"http_requests_total"}]}\n{"results":[{"name":"http_size_bytes"}]}\n${closing(true)}`,
  );
  assert.equal(
    await ask("labelValues", "label=job"),
    `{"results":[{"value":"job\\u003c1\\u003e"}]}\n${closing(false)}`,
  );
  assert.equal(await ask("labelNames", "search[]=nothing"), `{"results":[]}\n${closing(false)}`);
  assert.equal(
    await ask("labelNames"),
    `{"results":[{"name":"__name__"},{"name":"instance"},{"name":"job"}]}\n${closing(false)}`,
  );
});

test("results come by name, either way, or the best first; with scores and what is known of metrics when asked", async () => {
  assert.equal(
    await ask("metricNames", "sort_by=alpha&sort_dir=dsc&limit=2&include_metadata=true"),
    `{"results":[{"name":"up","type":"gauge","help":"Is it up \\u0026 running?"},{"name":"http_size_bytes"}]}\n${closing(true)}`,
  );
  const scored = await ask("metricNames", "search[]=size&search[]=http_r&sort_by=score&include_score=1");
  assert.match(
    scored,
    /^\{"results":\[\{"name":"http_requests_total","score":1\},\{"name":"http_size_bytes","score":0\.\d+\}\]\}\n/,
  );
});

test("what cannot be searched for is refused in the reference's words", async () => {
  const refused: readonly [query: string, message: string][] = [
    ["start=x", "invalid time value for 'start': cannot parse \"x\" to a valid timestamp"],
    ["start=2&end=1", "end timestamp must not be before start timestamp"],
    [`${"search[]=a&".repeat(33)}`, "too many search[] terms: got 33, maximum is 32"],
    ["fuzz_threshold=101", 'invalid fuzz_threshold "101": must be 0-100'],
    ["fuzz_alg=x", 'unsupported fuzz_alg "x": must be one of [subsequence jarowinkler]'],
    ["case_sensitive=x", 'invalid case_sensitive "x": must be boolean'],
    ["sort_dir=asc", "sort_dir is only valid when sort_by is set"],
    ["sort_by=score&sort_dir=asc&search[]=x", "sort_dir is not supported for sort_by=score"],
    ["sort_by=alpha&sort_dir=x", 'invalid sort_dir "x": must be "asc" or "dsc"'],
    ["sort_by=score", "sort_by=score requires search[] to be set"],
    ["sort_by=x", 'invalid sort_by "x" for metric_names: must be "alpha" or "score"'],
    ["limit=0", 'invalid limit "0": must be a positive integer'],
    ["limit=11", "limit 11 exceeds the configured maximum (10, see --web.search.max-limit)"],
    ["batch_size=-1", 'invalid batch_size "-1": must be a positive integer'],
    ["include_metadata=2", 'invalid include_metadata "2": must be boolean'],
    ["match[]={}", "match[] must contain at least one non-empty matcher"],
  ];
  for (const [query, message] of refused) assert.equal(await ask("metricNames", query), message, query);
  assert.equal(await ask("labelValues"), 'missing required parameter "label"');
  assert.equal(await ask("labelNames", "", { enabled: false }), "search API disabled");
});
