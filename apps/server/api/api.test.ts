import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

const PAGE = '# HELP a help\n# TYPE a counter\na{x="y"} 1\nthis is bad\nb 2 3\nc{ 4\n\nd NaN\n';
const DEADLINE_MS = 15_000;
/** Takes seconds, and never ends before it is killed in these tests. */
const LONG_QUERY =
  "query=" +
  encodeURIComponent("stddev_over_time(quantile_over_time(0.5, vector(1)[1h:1s])[3h:1s])") +
  "&start=1000000&end=1010000&step=1";

const folder = mkdtempSync(join(tmpdir(), "narthex-api-"));
const target: Server = createServer((_request, response) => {
  response.setHeader("Content-Type", "text/plain; version=0.0.4");
  response.end(PAGE);
});
let child: ChildProcess;
let log = "";
let base = "";
let targetUrl = "";

const program = `
const { main } = await import(${JSON.stringify(new URL("../main.js", import.meta.url).href)});
process.exit(await main(process.argv.slice(2)));`;

before(async () => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const { port } = target.address() as AddressInfo;
  targetUrl = `http://127.0.0.1:${port}/metrics`;
  writeFileSync(
    join(folder, "config.yml"),
    `global: {query_log_file: query.log, scrape_interval: 1h}
rule_files: ["rules*.yml"]
scrape_configs:
- job_name: page
  basic_auth: {username: joe, password: very secret}
  relabel_configs:
  - {source_labels: [a], target_label: b, replacement: "x$1"}
  - {action: drop, source_labels: [b], regex: xq}
  static_configs: [{targets: ["127.0.0.1:${port}"]}]
`,
  );
  writeFileSync(join(folder, "server.mjs"), program);
  const flags = [
    `--config.file=${join(folder, "config.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    "--web.listen-address=127.0.0.1:0",
    "--web.max-notifications-subscribers=1",
    "--config.auto-reload",
    "--config.auto-reload-interval=1s",
    "--enable-feature=promql-per-step-stats",
  ];
  child = spawn(process.execPath, [join(folder, "server.mjs"), ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await until(() => log.includes("Server is ready"));
  base = `http://${/Listening on".* address=(127\.0\.0\.1:\d+)/.exec(log)?.[1]}`;
});

after(async () => {
  child.kill("SIGTERM");
  await new Promise((resolve) => child.once("exit", resolve));
  target.closeAllConnections();
  target.close();
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `not in time; the server's log:\n${log}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into, member by member
async function data(path: string, init: RequestInit = {}): Promise<any> {
  const response = await fetch(`${base}/api/v1${path}`, init);
  assert.equal(response.status, 200, path);
  return ((await response.json()) as { data: unknown }).data;
}

async function refusal(path: string, init: RequestInit = {}): Promise<[number, string]> {
  const response = await fetch(`${base}/api/v1${path}`, init);
  return [response.status, ((await response.json()) as { error: string }).error];
}

test("API: a refusal names the parameter where the reference does, and only there", async () => {
  const bad = encodeURIComponent("{");
  const reason = "1:2: parse error: unexpected end of input inside braces";
  assert.deepEqual(await refusal(`/query?query=${bad}`), [400, `invalid parameter "query": ${reason}`]);
  assert.deepEqual(await refusal(`/series?match[]=${bad}`), [400, `invalid parameter "match[]": ${reason}`]);
  assert.deepEqual(await refusal(`/labels?match[]=${bad}`), [400, reason]);
  assert.deepEqual(await refusal(`/query_exemplars?query=${bad}`), [400, reason]);
  assert.deepEqual(await refusal("/query_range?query=%22a%22&start=1&end=2&step=1"), [
    400,
    'invalid parameter "query": invalid expression type "string" for range query, must be Scalar or instant Vector',
  ]);
});

test("API: exemplars of an expression without selectors are no content", async () => {
  assert.equal((await fetch(`${base}/api/v1/query_exemplars?query=1%2Bvector(2)`)).status, 204);
  assert.deepEqual(await data("/query_exemplars?query=sum(up)"), []);
});

test("API: times beyond what 64-bit nanoseconds hold come out as in the reference", async () => {
  assert.deepEqual((await data("/query?query=time()&time=-9223372036854775.808")).result, [-0.192, "-0.192"]);
});

test("API: statistics per step stand in the answer when asked for", async () => {
  const { stats } = await data("/query_range?query=vector(1)&start=10&end=30&step=10&stats=all");
  const perStep = [
    [10, 0],
    [20, 0],
    [30, 0],
  ];
  assert.deepEqual(stats.samples, {
    totalQueryableSamplesPerStep: perStep,
    totalQueryableSamples: 0,
    samplesReadPerStep: perStep,
    samplesRead: 0,
    peakSamples: 3,
  });
  // The one step of a range vector stood at time 0.
  const range = await data("/query?query=never_there[1m]&time=7&stats=all");
  assert.deepEqual(range.stats.samples.samplesReadPerStep, [[7, 0]]);
});

test("API: a chain of operators as long as the parser lets through is evaluated", async () => {
  // It was an internal error, for want of stack, from some 600 operators on.
  const chain = async (start: string, link: string): Promise<unknown> => {
    const body = new URLSearchParams({ query: start + link.repeat(990), time: "7" });
    const response = await fetch(`${base}/api/v1/query`, { method: "POST", body });
    const { data: answer } = (await response.json()) as { data: { result: unknown } };
    return answer.result;
  };
  assert.deepEqual(await chain("1", "+1"), [7, "991"]);
  assert.deepEqual(await chain("vector(1)", " or vector(2)"), [{ metric: {}, value: [7, "1"] }]);
  assert.deepEqual(await chain("vector(1)", " + vector(1)"), [{ metric: {}, value: [7, "991"] }]);
});

test("API: results come as CSV too, and another format is refused", async () => {
  const query = encodeURIComponent('label_replace(vector(1.5), "l", "a,\\"b\\"", "", "")');
  const response = await fetch(`${base}/api/v1/query_range?query=${query}&start=1&end=2&step=1&format=csv`);
  assert.equal(response.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  assert.equal(await response.text(), 'l,timestamp,value\r\n"a,""b""",1,1.5\r\n"a,""b""",2,1.5\r\n');
  assert.equal(
    await (await fetch(`${base}/api/v1/query?query=3&time=7&format=csv`)).text(),
    "timestamp,value\r\n7,3\r\n",
  );
  assert.equal((await refusal("/query?query=1&format=xml"))[0], 400);
});

test("API: a target is scraped on demand, mistakes come with their lines and hide nothing", async () => {
  const page = await data(`/targets/scrape?scrapePool=page&scrapeUrl=${encodeURIComponent(targetUrl)}`, {
    method: "POST",
  });
  assert.deepEqual(
    page.samples.map((sample: { line: number; value: string }) => [sample.line, sample.value]),
    [
      [3, "1"],
      [5, "2"],
      [8, "NaN"],
    ],
  );
  assert.equal(page.samples[1].timestamp, 3);
  assert.deepEqual(page.samples[0].labels, { __name__: "a", x: "y" });
  assert.deepEqual(page.metadata, { a: { help: "help", type: "counter" } });
  assert.deepEqual(
    page.errors.map(({ line, text }: { line: number; text: string }) => [line, text]),
    [
      [4, "this is bad"],
      [6, "c{ 4"],
    ],
  );
  assert.deepEqual((await data("/series?match[]=a")).length, 0);
  const other = await refusal("/targets/scrape?scrapePool=page&scrapeUrl=http://127.0.0.1:1/", { method: "POST" });
  assert.equal(other[0], 404);
});

test("API: what is for operators is refused to clients from elsewhere, with a reason", async () => {
  const headers = { "x-forwarded-for": "10.0.0.1" };
  for (const [path, init] of [
    ["/status/active_queries", {}],
    ["/status/active_queries?id=1", { method: "DELETE" }],
    [`/targets/scrape?scrapePool=page&scrapeUrl=${encodeURIComponent(targetUrl)}`, { method: "POST" }],
  ] as const) {
    const [status, error] = await refusal(path, { ...init, headers });
    assert.equal(status, 403);
    assert.match(error, /^only for clients on the server's own machine, unless users are configured/);
  }
});

test("API: a pool's configuration and its relabeling can be looked into, secrets apart", async () => {
  const { yaml } = await data("/scrape_pools/config?scrapePool=page");
  assert.match(yaml, /password: <secret>/);
  const labels = encodeURIComponent('{"a":"q"}');
  const { steps } = await data(`/targets/relabel_steps?scrapePool=page&labels=${labels}`);
  assert.deepEqual(
    steps.map(({ output, keep }: { output: object; keep: boolean }) => ({ output, keep })),
    [
      { output: { a: "q", b: "xq" }, keep: true },
      { output: {}, keep: false },
    ],
  );
  assert.deepEqual(await refusal("/targets/relabel_steps?scrapePool=page"), [400, "no labels parameter provided"]);
  assert.deepEqual(await refusal("/scrape_pools/config"), [400, "no scrapePool parameter provided"]);
  assert.equal((await refusal("/targets/relabel_steps?scrapePool=page&labels=[1]"))[0], 400);
});

test("API: blocks, features and the description are told", async () => {
  assert.deepEqual(await data("/status/tsdb/blocks"), { blocks: [] });
  const features = await data("/features");
  assert.equal(features.promql.per_step_stats, true);
  assert.equal(features.promql_functions.rate, true);
  const response = await fetch(`${base}/api/v1/openapi.yaml?openapi_version=3.2`);
  assert.match(await response.text(), /^openapi: 3\.2\.0\n/);
  assert.equal((await refusal("/openapi.yaml?openapi_version=2"))[0], 400);
});

test("API: a running query is listed with who asked, and can be ended by its number", async () => {
  const answer = fetch(`${base}/api/v1/query_range?${LONG_QUERY}`, { headers: { "user-agent": "heavy-client" } });
  let query: { id: number; state: string; step: number; origin: { client: string; userAgent: string } } | undefined;
  await until(async () => {
    const listed = (await data("/status/active_queries")).queries as (typeof query)[];
    query = listed.find((each) => each?.origin.userAgent === "heavy-client");
    return query?.state === "running";
  });
  assert.deepEqual([query?.step, query?.origin.client], [1, "127.0.0.1"]);
  // While it runs, others are served at once: it is not on the main thread.
  assert.equal((await fetch(`${base}/-/healthy`)).status, 200);
  const kill = `/status/active_queries?id=${query?.id}`;
  assert.equal((await fetch(`${base}/api/v1${kill}`, { method: "DELETE" })).status, 204);
  assert.equal((await answer).status, 499);
  assert.equal((await refusal(kill, { method: "DELETE" }))[0], 404);
  assert.equal((await refusal("/status/active_queries?id=x", { method: "DELETE" }))[0], 400);
});

test("query log: each query leaves a line with its times, its asker and its error", async () => {
  await data("/query_range?query=vector(42)&start=10&end=30&step=10");
  const lines = (): Record<string, unknown>[] =>
    readFileSync(join(folder, "query.log"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  const find = (query: string) => lines().find(({ params }) => (params as { query: string }).query === query);
  await until(() => find("vector(42)") !== undefined);
  const line = find("vector(42)");
  assert.deepEqual(line?.["params"], {
    end: "1970-01-01T00:00:30.000Z",
    query: "vector(42)",
    start: "1970-01-01T00:00:10.000Z",
    step: 10,
  });
  assert.deepEqual(line?.["httpRequest"], { clientIP: "127.0.0.1", method: "GET", path: "/api/v1/query_range" });
  assert.equal(line?.["msg"], "promql query logged");
  const killed = lines().find(({ error }) => error !== undefined);
  assert.match(String(killed?.["error"]), /canceled/);
  const metrics = await (await fetch(`${base}/metrics`)).text();
  assert.match(metrics, /\nprometheus_engine_query_log_enabled 1\n/);
});

test("metrics: they come as text whatever is asked for, compressed where it is wanted", async () => {
  const response = await fetch(`${base}/metrics`, {
    headers: { accept: "application/openmetrics-text;version=1.0.0", "accept-encoding": "gzip" },
  });
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
  assert.equal(response.headers.get("content-encoding"), "gzip");
  const text = await response.text();
  for (const name of [
    'promhttp_metric_handler_requests_total{code="200"}',
    'prometheus_http_requests_total{code="200",handler="/api/v1/rules"} 0',
    'net_conntrack_listener_conn_accepted_total{listener_name="http"}',
    "prometheus_api_notification_active_subscribers 0",
    "prometheus_template_text_expansions_total 0",
    "prometheus_template_text_expansion_failures_total 0",
  ])
    assert.ok(text.includes(`\n${name}`), name);
});

test("auto reload and live notifications: a broken rule file is told, its repair as well; one may listen", async () => {
  const leaving = new AbortController();
  const stream = await fetch(`${base}/api/v1/notifications/live`, { signal: leaving.signal });
  assert.equal(stream.headers.get("content-type"), "text/event-stream");
  assert.equal((await fetch(`${base}/api/v1/notifications/live`)).status, 204);
  let events = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of stream.body as AsyncIterable<Uint8Array>) events += decoder.decode(bytes);
  })().catch(() => {});
  const path = join(folder, "rules.yml");
  writeFileSync(path, "groups: [{name: g, rules: [{record: a, expr: 'sum('}]}]");
  await until(() => events.includes('"active":true'));
  assert.match(events, /^data: \{"text":"Configuration reload has failed\.",/);
  rmSync(path);
  await until(() => events.includes('"active":false'));
  leaving.abort();
  await reading;
  await until(
    async () =>
      (await fetch(`${base}/api/v1/notifications/live`, { signal: AbortSignal.timeout(2000) })).status === 200,
  );
});
