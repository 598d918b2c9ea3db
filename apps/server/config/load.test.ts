// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of the configuration, not of the test
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger, Secret } from "@narthex/toolkit";
import { expandVariables } from "./environment.ts";
import { ConfigError } from "./error.ts";
import { glob, matchesPattern } from "./glob.ts";
import { type LoadOptions, loadConfig, loadConfigFile } from "./load.ts";
import { toYaml } from "./to-yaml.ts";

function refusal(text: string, options?: LoadOptions): ConfigError {
  try {
    loadConfig(text, "conf/p.yml", options);
  } catch (error) {
    assert.ok(error instanceof ConfigError, String((error as Error).stack));
    return error;
  }
  return assert.fail("the configuration was not refused");
}

test("configuration: an empty file is all defaults", () => {
  const { global, runtime, storage, otlp, scrapeConfigs } = loadConfig("", "p.yml", { environment: {} });
  assert.equal(global.scrapeIntervalMs, 60_000);
  assert.equal(global.scrapeTimeoutMs, 10_000);
  assert.equal(global.evaluationIntervalMs, 60_000);
  assert.equal(global.metricNameEscapingScheme, "allow-utf-8");
  assert.equal(runtime.gogc, 75);
  assert.deepEqual(storage.tsdb.retention, { timeMs: 15 * 86_400_000, sizeBytes: 0, percentage: 0 });
  assert.equal(otlp.labelNameUnderscoreSanitization, true);
  assert.deepEqual(scrapeConfigs, []);
  assert.equal(storage.exemplars, undefined);
  const withExemplars = { environment: {}, defaults: { maxExemplars: 100_000 } };
  assert.deepEqual(loadConfig("", "p.yml", withExemplars).storage.exemplars, { maxExemplars: 100_000 });
  assert.deepEqual(loadConfig("global:\nruntime:\n", "p.yml", { environment: {} }).global, global);
});

test("configuration: a job inherits from global and fills in its own defaults", () => {
  const { scrapeConfigs } = loadConfig(
    `global: {scrape_interval: 5s, sample_limit: 7, body_size_limit: 1MB}
scrape_configs:
- job_name: a
  static_configs: [{targets: [x:1], labels: {env: p}}]
- job_name: b
  scrape_interval: 1m
  scrape_timeout: 20s
  sample_limit: 9
  scrape_native_histograms: true
`,
    "p.yml",
  );
  const [a, b] = scrapeConfigs;
  assert.equal(a?.scrapeIntervalMs, 5000);
  assert.equal(a?.scrapeTimeoutMs, 5000);
  assert.equal(a?.sampleLimit, 7);
  assert.equal(a?.bodySizeLimitBytes, 1_048_576);
  assert.equal(a?.metricsPath, "/metrics");
  assert.equal(a?.honorTimestamps, true);
  assert.equal(a?.scrapeProtocols[0], "OpenMetricsText1.0.0");
  assert.deepEqual(a?.discovery, [
    { kind: "static", groups: [{ targets: ["x:1"], labels: new Map([["env", "p"]]), source: "0" }] },
  ]);
  assert.equal(b?.scrapeTimeoutMs, 20_000);
  assert.equal(b?.sampleLimit, 9);
  assert.equal(b?.scrapeProtocols[0], "PrometheusProto");
});

test("configuration error: one wrong value is told with its file, line and column and the reference's text", () => {
  const error = refusal("scrape_configs:\n- job_name: a\n  scrape_timeout: 2m\n");
  assert.equal(
    error.message,
    'conf/p.yml:3:3: parsing YAML file conf/p.yml: scrape timeout greater than scrape interval for scrape config with job name "a"',
  );
  assert.equal(error.code, "config_invalid");
  assert.deepEqual([error.problems[0]?.line, error.problems[0]?.column], [3, 3]);
});

test("configuration error: several problems are told together, in the order of the file", () => {
  const error = refusal(`global:
  scrape_intervall: 5s
scrape_configs:
- job_name: a
  relabel_configs:
  - action: hashmod
    modulus: -1
- job_name: b
  scheme: [x]
`);
  assert.equal(
    error.message,
    `conf/p.yml:2:3: parsing YAML file conf/p.yml: yaml: unmarshal errors:
  line 2, column 3: field scrape_intervall not found in type config.plain, did you mean "scrape_interval"?
  line 7, column 14: cannot unmarshal !!int \`-1\` into uint64
  line 9, column 11: cannot unmarshal !!seq into string`,
  );
});

test("configuration error: text that is no YAML says where it breaks off", () => {
  const error = refusal("global:\n\tscrape_interval: 5s\n");
  assert.equal(error.code, "config_syntax");
  assert.match(error.message, /^conf\/p\.yml:2:\d+: parsing YAML file conf\/p\.yml: yaml: line 2: /);
});

test("configuration error: a file that is not there", () => {
  assert.throws(() => loadConfigFile("/nonexistent/p.yml"), {
    code: "config_unreadable",
    message: "open /nonexistent/p.yml: no such file or directory (name another file with --config.file)",
  });
});

test("configuration: external labels take in the environment, with a warning for what is not there", () => {
  const lines: string[] = [];
  const { global } = loadConfig(
    'global: {external_labels: {a: "$X-${X}", b: "$$1", c: "$NONE", d: "a${", e: "$-", f: plain, g: "${a.b}"}}',
    "p.yml",
    { environment: { X: "x" }, logger: createLogger({ write: (line) => lines.push(line) }) },
  );
  assert.deepEqual(global.externalLabels.toObject(), { a: "x-x", b: "$1", d: "a", f: "plain" });
  assert.match(lines.join(""), /msg="Empty environment variable" name=NONE\n/);
  assert.match(lines.join(""), /msg="Empty environment variable" name=a\.b hint="the shell that starts narthex/);
});

test("variables: the rules of Go's os.Expand", () => {
  const expand = (text: string): string => expandVariables(text, (name) => `<${name}>`);
  assert.deepEqual(["$a b", "${a}b", "$$", "$", "a$", "$.", "${}", "${a", "$1x", "$_a1-"].map(expand), [
    "<a> b",
    "<a>b",
    "<$>",
    "$",
    "a$",
    "$.",
    "",
    "a",
    "<1>x",
    "<_a1>-",
  ]);
});

test("configuration: relative paths are resolved against the directory of the file that names them", () => {
  const config = loadConfig(
    `rule_files: [r/*.yml, /abs/x.yml]
scrape_configs:
- job_name: a
  bearer_token_file: t
  tls_config: {ca_file: ca.pem}
  file_sd_configs: [{files: [sd/*.json]}]
`,
    "conf/p.yml",
  );
  assert.deepEqual(config.ruleFiles, ["conf/r/*.yml", "/abs/x.yml"]);
  const [job] = config.scrapeConfigs;
  assert.equal(job?.http.authorization?.credentialsFile, "conf/t");
  assert.equal(job?.http.authorization?.type, "Bearer");
  assert.equal(job?.http.tls.caFile, "conf/ca.pem");
  assert.deepEqual(job?.discovery, [{ kind: "file", files: ["conf/sd/*.json"], refreshIntervalMs: 300_000 }]);
});

test("configuration: jobs of scrape_config_files come after the main file's, under names of their own", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "more"));
  const main = join(folder, "p.yml");
  writeFileSync(main, "scrape_config_files: [more/*.yml]\nscrape_configs: [{job_name: a}]\n");
  writeFileSync(join(folder, "more/1.yml"), "scrape_configs: [{job_name: b, bearer_token_file: t}]\n");
  const config = loadConfigFile(main);
  assert.deepEqual(
    config.scrapeConfigs.map((job) => job.jobName),
    ["a"],
  );
  assert.deepEqual(
    config.allScrapeConfigs.map((job) => job.jobName),
    ["a", "b"],
  );
  assert.equal(config.allScrapeConfigs[1]?.http.authorization?.credentialsFile, join(folder, "more/t"));
  const second = join(folder, "more/2.yml");
  writeFileSync(second, "scrape_configs:\n- job_name: b\n");
  assert.throws(() => loadConfigFile(main), {
    message: `${second}:2:3: "${second}": found multiple scrape configs with job name "b", first found in "${join(folder, "more/1.yml")}"`,
  });
  writeFileSync(second, "scrape_configs:\n- job_name: a\n");
  assert.throws(() => loadConfigFile(main), { message: /first found in main config file$/ });
  writeFileSync(second, "global: {}\n");
  assert.throws(() => loadConfigFile(main), { message: /field global not found in type config\.ScrapeConfigs/ });
});

test("globs: stars, question marks and classes in the last element, sorted", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-glob-"));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const name of ["b.yml", "a.yml", "c.txt"]) writeFileSync(join(folder, name), "");
  assert.deepEqual(glob(join(folder, "*.yml")), [join(folder, "a.yml"), join(folder, "b.yml")]);
  assert.deepEqual(glob(join(folder, "c.txt")), [join(folder, "c.txt")]);
  assert.deepEqual(glob(join(folder, "none*")), []);
  assert.deepEqual(glob(join(folder, "nowhere/*")), []);
  assert.equal(matchesPattern("a[b-d]?*", "acxyz"), true);
  assert.equal(matchesPattern("a[^b]", "ab"), false);
  assert.equal(matchesPattern("a*b*c", "aXbYcZ"), false);
  assert.equal(matchesPattern("\\*", "*"), true);
  assert.equal(matchesPattern(`${"*a".repeat(30)}b`, "a".repeat(2000)), false);
  assert.throws(() => matchesPattern("[a", "a"), { message: "syntax error in pattern" });
});

const SECRETS = `scrape_configs:
- job_name: a
  basic_auth: {username: u, password: hunter2}
  proxy_url: http://u:hunter2@proxy:80
  proxy_connect_header: {X: [hunter2]}
  http_headers: {X-Key: {secrets: [hunter2]}}
- job_name: b
  oauth2: {client_id: i, client_secret: hunter2, token_url: "http://t"}
  tls_config: {cert: c, key: hunter2}
- job_name: c
  authorization: {credentials: hunter2}
  consul_sd_configs: [{server: "h:1", token: hunter2}]
- job_name: d
  bearer_token: hunter2
  http_sd_configs: [{url: "http://u:hunter2@h/x"}]
remote_write:
- url: http://u:hunter2@h/w
  sigv4: {access_key: a, secret_key: hunter2}
`;

test("configuration: secrets show neither in the status page's YAML nor in JSON, and yet are there", () => {
  const config = loadConfig(SECRETS, "p.yml");
  const yaml = toYaml(config);
  assert.ok(!yaml.includes("hunter2"), yaml);
  assert.equal(yaml.match(/<secret>/g)?.length, 9);
  const json = JSON.stringify(config, (_, value) =>
    typeof value === "bigint" ? String(value) : value instanceof Map ? [...value] : value,
  );
  assert.ok(!json.includes("hunter2"));
  assert.ok(config.scrapeConfigs[0]?.http.basicAuth?.password instanceof Secret);
  assert.equal(config.scrapeConfigs[0]?.http.basicAuth?.password.reveal(), "hunter2");
});

test("configuration: what is written as YAML loads again to the same", () => {
  const text = `scrape_configs:
- job_name: a
  params: {m: [x, y]}
  relabel_configs:
  - source_labels: [a, b]
    regex: (.*)
    target_label: c
  dns_sd_configs: [{names: [x.y]}]
  kubernetes_sd_configs: [{role: pod, namespaces: {names: [n]}}]
  static_configs: [{targets: ["x:1"]}]
`;
  const once = toYaml(loadConfig(text, "p.yml", { environment: {} }));
  assert.equal(toYaml(loadConfig(once, "p.yml", { environment: {} })), once);
});

test("configuration: an agent refuses what it cannot do", () => {
  const error = refusal("rule_files: [a.yml]\n", { agentMode: true });
  assert.equal(error.message, "conf/p.yml:1:1: field rule_files is not allowed in agent mode");
});

for (const [what, text, message] of [
  [
    "basic_auth beside authorization",
    "basic_auth: {username: a}, authorization: {credentials: b}",
    "at most one of basic_auth, oauth2 & authorization must be configured",
  ],
  [
    "two passwords",
    "basic_auth: {password: a, password_file: b}",
    "at most one of basic_auth password, password_file & password_ref must be configured",
  ],
  [
    "authorization of type basic",
    "authorization: {type: Basic}",
    'authorization type cannot be set to "basic", use "basic_auth" instead',
  ],
  ["oauth2 without token_url", "oauth2: {client_id: a}", "oauth2 token_url must be configured"],
  [
    "a certificate without key",
    "tls_config: {cert_file: a}",
    "exactly one of key or key_file must be configured when a client certificate is configured",
  ],
  ["no_proxy alone", "no_proxy: a", "if no_proxy is configured, proxy_url must also be configured"],
  [
    "a reserved header",
    "http_headers: {authorization: {values: [a]}}",
    'setting header "Authorization" is not allowed',
  ],
  ["an unknown TLS version", "tls_config: {min_version: SSL3}", "unknown TLS version: SSL3"],
  ["a secret manager's reference", "basic_auth: {password_ref: a}", "password_ref needs a secret manager"],
  [
    "a broken pattern",
    "relabel_configs: [{regex: '(', target_label: a}]",
    "error parsing regexp: missing closing ): `^(?s:()$`",
  ],
  ["an unknown action", "relabel_configs: [{action: frob}]", 'unknown relabel action "frob"'],
  ["an empty rule", "relabel_configs: [~]", "empty or null target relabeling rule in scrape config"],
  [
    "an illegal target label",
    "metric_name_validation_scheme: legacy, relabel_configs: [{target_label: 'a-b'}]",
    `"a-b" is invalid 'target_label' for replace action`,
  ],
  [
    "a pattern for keepequal",
    "relabel_configs: [{action: keepequal, target_label: a, regex: '(.*)'}]",
    "keepequal action requires only 'source_labels' and `target_label`, and no other fields",
  ],
  ["an empty mechanism", "dns_sd_configs: [~]", "empty or null section in dns_sd_configs"],
  [
    "an unknown key of a mechanism",
    "consul_sd_configs: [{sever: a}]",
    'field sever not found in type consul.plain, did you mean "server"?',
  ],
  [
    "an empty list of protocols",
    "scrape_protocols: []",
    'scrape_protocols cannot be empty for scrape config with job name "a"',
  ],
] as const) {
  test(`configuration error: ${what}`, () => {
    const error = refusal(`scrape_configs: [{job_name: a, ${text}}]`);
    assert.ok(error.message.includes(message), error.message);
    assert.ok((error.problems[0]?.line ?? 0) > 0);
  });
}
