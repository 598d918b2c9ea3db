import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runTool } from "./tool.ts";

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], stdin = ""): Promise<Run> {
  let out = "";
  let err = "";
  const code = await runTool(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    stdin: () => stdin,
    now: () => 1_000_000,
  });
  return { code, out, err };
}

/** Writes files into a folder of their own; returns a function from names to paths. */
function files(t: TestContext, contents: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), "narthex-tool-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(contents)) writeFileSync(join(folder, name), text);
  return (name) => join(folder, name);
}

const RULES = `groups:
- name: g
  rules:
  - record: a:b
    expr: sum(up)
  - alert: Down
    expr: up == 0
`;
const REPEATED = `groups:
- name: g
  rules:
  - {record: "a:b", expr: sum(up)}
  - {record: "a:b", expr: sum(up)}
`;

test("tool check rules: good ones are counted, from files and from standard input", async (t) => {
  const path = files(t, { "r.yml": RULES });
  assert.deepEqual(await run(["check", "rules", path("r.yml")]), {
    code: 0,
    out: `Checking ${path("r.yml")}\n  SUCCESS: 2 rules found\n\n`,
    err: "",
  });
  const piped = await run(["check", "rules"], RULES);
  assert.equal(piped.out, "Checking standard input\n  SUCCESS: 2 rules found\n\n");
});

test("tool check rules: a broken query fails with its place, repeated rules only when lint is fatal", async (t) => {
  const path = files(t, { "bad.yml": RULES.replace("sum(up)", "sum(up"), "twice.yml": REPEATED });
  const bad = await run(["check", "rules", path("bad.yml")]);
  assert.equal(bad.code, 1);
  assert.match(bad.err, /^ {2}FAILED:\n.*bad\.yml: 5:11: group "g", rule 1, "a:b": could not parse expression: 1:7: /);
  const twice = await run(["check", "rules", path("twice.yml")]);
  assert.equal(twice.code, 0);
  assert.match(twice.err, /lint error 1 duplicate rule\(s\) found\.\nMetric: a:b\nLabel\(s\):\nMight cause/);
  assert.equal((await run(["check", "rules", "--lint-fatal", path("twice.yml")])).code, 3);
  assert.equal((await run(["check", "rules", "--lint=none", "--lint-fatal", path("twice.yml")])).code, 0);
});

test("tool check rules: repeated rules are told by name, then by labels, alerts and recordings alike", async (t) => {
  const rule = (kind: string, name: string, zone: string): string =>
    `  - ${kind}: ${name}\n    expr: up\n    labels: {zone: ${zone}}\n`;
  const rules = [
    ...["r10", "r2", "r10", "r2", "r2"].map((name) => rule("record", name, "b")),
    ...["a", "a"].map((zone) => rule("record", "r2", zone)),
    ...["alert", "record"].map((kind) => rule(kind, "both", "a")),
  ];
  const path = files(t, { "many.yml": `groups:\n- name: g\n  rules:\n${rules.join("")}` });
  const { err } = await run(["check", "rules", path("many.yml")]);
  assert.deepEqual(
    [...err.matchAll(/Metric: (.*)\nLabel\(s\):\n\tzone: (.*)\n/g)].map(([, name, zone]) => `${name} ${zone}`),
    ["both a", "r10 b", "r2 a", "r2 b"],
  );
});

test("tool check config: the rule files it names are checked along, missing ones fail", async (t) => {
  const path = files(t, {
    "r.yml": RULES,
    "good.yml": "rule_files: [r.yml]\n",
    "missing.yml": "rule_files: [nope.yml]\n",
    "odd.yml": "bogus: 1\n",
  });
  const good = await run(["check", "config", path("good.yml")]);
  assert.equal(good.err, "");
  assert.equal(good.code, 0);
  assert.match(
    good.out,
    / {2}SUCCESS: 1 rule files found\n SUCCESS: \S+good\.yml is valid prometheus config file syntax\n\n/,
  );
  assert.match(good.out, / {2}SUCCESS: 2 rules found\n/);
  const missing = await run(["check", "config", path("missing.yml")]);
  assert.equal(missing.code, 1);
  assert.match(missing.err, /FAILED: "\S+nope\.yml" does not point to an existing file/);
  const odd = await run(["check", "config", path("odd.yml")]);
  assert.equal(odd.code, 1);
  assert.match(odd.err, /field bogus not found/);
});

test("tool check config: files of credentials, certificates and targets must be there, of further files' jobs as well", async (t) => {
  const path = files(t, {
    "credentials.yml": "scrape_configs: [{job_name: a, bearer_token_file: none}]\n",
    "certificate.yml": "scrape_configs: [{job_name: a, tls_config: {cert_file: none, key_file: k}}]\n",
    "targets.yml": "scrape_configs: [{job_name: a, file_sd_configs: [{files: [none.json, sd.json]}]}]\n",
    "sd.json": '[{"targets": "x"}]',
    "more.yml": "scrape_config_files: [certificate.yml]\n",
    "broken.yml": "scrape_config_files: [empty-job.yml]\n",
    "empty-job.yml": "scrape_configs: [{}]\n",
  });
  const failures = async (name: string): Promise<string> => {
    const { code, out, err } = await run(["check", "config", path(name)]);
    assert.equal(code, 1);
    return `${out.replace(/^.*\n/, "")}${err}`.replaceAll(path("x").slice(0, -1), "");
  };
  assert.equal(
    await failures("credentials.yml"),
    '\n  FAILED: error checking authorization credentials or bearer token file "none": stat none: no such file or directory\n',
  );
  const certificate = '\n  FAILED: error checking client cert file "none": stat none: no such file or directory\n';
  assert.equal(await failures("certificate.yml"), certificate);
  assert.equal(await failures("more.yml"), certificate);
  assert.equal(
    await failures("targets.yml"),
    '  WARNING: file "none.json" for file_sd in scrape job "a" does not exist\n\n' +
      '  FAILED: checking SD file "sd.json": group 0: targets must be a list of strings\n',
  );
  assert.match(await failures("broken.yml"), /empty-job\.yml:1:18: "empty-job\.yml": job_name is empty/);
  assert.equal((await run(["check", "config", "--syntax-only", path("credentials.yml")])).code, 0);
});

test("tool test promql: cases are counted over all files, and one that fails is shown with its line", async (t) => {
  const load = "load 1m\n  m 1 2 3\n\n";
  const path = files(t, {
    "good.test": `${load}eval instant at 1m m\n  m 2\n`,
    "bad.test": `${load}eval instant at 1m m\n  m 5\n\neval instant at 2m m\n  m 3\n`,
  });
  const good = await run(["test", "promql", path("good.test")]);
  assert.equal(good.code, 0);
  assert.match(good.out, /\n1 passed, 0 failed\n$/);
  const both = await run(["test", "promql", path("good.test"), path("bad.test")]);
  assert.equal(both.code, 1);
  assert.match(both.out, /bad\.test:4: /);
  assert.match(both.out, /\n2 passed, 1 failed\n$/);
});

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/prefix`;
}

test("tool query: results are printed as text or as JSON, below a path prefix", async (t) => {
  const asked: string[] = [];
  const url = await serve(t, (request, response) => {
    let body = "";
    request.on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      asked.push(`${request.url} ${body}`);
      const metric = { __name__: "up", job: "a" };
      const vector = { resultType: "vector", result: [{ metric, value: [1.5, "1"] }] };
      const values = [
        [1, "1"],
        [2, "+Inf"],
      ];
      const matrix = { resultType: "matrix", result: [{ metric, values }] };
      const data = request.url?.endsWith("query") ? vector : matrix;
      response.end(JSON.stringify({ status: "success", data, warnings: ["careful"] }));
    });
  });
  const instant = await run(["query", "instant", url, "up"]);
  assert.deepEqual(instant, { code: 0, out: 'up{job="a"} => 1 @[1.5]\n', err: "query warning: careful\n" });
  assert.equal(asked[0], "/prefix/api/v1/query query=up&time=1000");
  const range = await run(["query", "range", "--start=0", "--end", "500", url, "up"]);
  assert.equal(range.out, 'up{job="a"} =>\n1 @[1]\n+Inf @[2]\n');
  assert.equal(asked[1], "/prefix/api/v1/query_range query=up&start=0&end=500&step=2");
  const json = await run(["query", "instant", "-o", "json", url, "up"]);
  assert.equal(json.out, '[{"metric":{"__name__":"up","job":"a"},"value":[1.5,"1"]}]\n');
});

test("tool query: what the server refuses, and a server that is not there, end with code 1", async (t) => {
  const url = await serve(t, (_request, response) => {
    response.statusCode = 400;
    response.end(JSON.stringify({ status: "error", errorType: "bad_data", error: "wrong" }));
  });
  assert.deepEqual(await run(["query", "instant", url, "up{"]), {
    code: 1,
    out: "",
    err: "query error: bad_data: wrong\n",
  });
  const gone = await run(["query", "instant", "http://127.0.0.1:1", "up"]);
  assert.equal(gone.code, 1);
  assert.match(gone.err, /^query error: /);
});

for (const [argv, message] of [
  [[], /^usage: narthex tool/],
  [["bogus"], /expected command but got "bogus", try --help/],
  [["check"], /must select a subcommand/],
  [["check", "bogus"], /expected command but got "bogus"/],
  [["check", "config"], /required argument 'config-files' not provided/],
  [["check", "rules", "/nope"], /path '\/nope' does not exist, try --help/],
  [["check", "rules", "--bogus"], /unknown long flag '--bogus'/],
  [["query", "range", "--step"], /expected argument for flag '--step'/],
  [["query", "instant", "--time=x", "ftp://a", "up"], /unsupported protocol scheme "ftp"/],
] as const) {
  test(`tool: a wrong command line ends with code 1: ${argv.join(" ")}`, async () => {
    const { code, err } = await run(argv);
    assert.equal(code, 1);
    assert.match(err, message);
  });
}
