import assert from "node:assert/strict";
import { test } from "node:test";
import type { FlagExit } from "@narthex/toolkit";
import { FEATURES } from "./features.ts";
import { MISSING_FEATURES, MISSING_FLAGS } from "./missing.ts";
import { flagRetention, parseServerFlags, type ServerCommand, statusFlags } from "./parse.ts";
import { SERVER_FLAGS } from "./table.ts";

const context = { program: "prometheus", version: "9.8.7", hostname: "box" };

function run(...argv: string[]): ServerCommand {
  const result = parseServerFlags(argv, context);
  assert.equal(result.kind, "run", JSON.stringify(result));
  return result as ServerCommand;
}

function exit(...argv: string[]): FlagExit {
  const result = parseServerFlags(argv, context);
  assert.equal(result.kind, "exit");
  return result as FlagExit;
}

test("flags: without any, the reference's defaults hold", () => {
  const { flags, web, notes } = run();
  assert.equal(flags.configFile, "prometheus.yml");
  assert.deepEqual(flags.listenAddresses, ["0.0.0.0:9090"]);
  assert.equal(flags.tsdbPath, "data/");
  assert.equal(flags.remoteReadSampleLimit, 50_000_000);
  assert.equal(flags.queryTimeoutMs, 120_000);
  assert.equal(flags.scrapeTimestampToleranceMs, 2);
  assert.deepEqual(web, { externalUrl: "http://box:9090/", externalPath: "", routePrefix: "/" });
  assert.deepEqual(notes, []);
});

test("flags: values stand behind `=` or in the next word, booleans alone or negated", () => {
  const { flags } = run(
    "--config.file=a.yml",
    "--query.timeout",
    "5m",
    "--web.enable-lifecycle",
    "--no-agent",
    "--no-storage.tsdb.wal-compression",
    "--web.enable-admin-api=false",
  );
  assert.equal(flags.configFile, "a.yml");
  assert.equal(flags.queryTimeoutMs, 300_000);
  assert.equal(flags.webEnableLifecycle, true);
  assert.equal(flags.tsdbWalCompression, false);
  assert.equal(flags.webEnableAdminApi, false);
});

test("flags: repeatable ones add up and replace their default, others may not repeat", () => {
  assert.deepEqual(run("--web.listen-address=:1", "--web.listen-address=:2").flags.listenAddresses, [":1", ":2"]);
  const { code, stderr } = exit("--config.file=a", "--config.file=b");
  assert.equal(code, 2);
  assert.equal(stderr, "Error parsing command line arguments: flag 'config.file' cannot be repeated\n");
});

for (const [argv, message] of [
  [["--bogus"], "unknown long flag '--bogus'"],
  [["--bogus=3"], "unknown long flag '--bogus'"],
  [["-z"], "unknown short flag '-z'"],
  [["-hx"], "unknown short flag '-x'"],
  [["--query.timeout"], "expected argument for flag '--query.timeout'"],
  [["--query.timeout", "-5m"], "expected argument for flag '--query.timeout'"],
  [["foo"], "unexpected foo"],
  [["--web.enable-lifecycle", "true"], "unexpected true"],
  [["--web.enable-lifecycle=abc"], "unexpected abc"],
  [["--no-query.timeout"], "unknown long flag '--no-query.timeout'"],
  [["--", "a"], "unexpected a"],
  [["--help", "--bogus"], "unknown long flag '--bogus'"],
] as const) {
  test(`flags: a malformed line ends with code 1: ${argv.join(" ")}`, () => {
    const { code, stdout, stderr } = exit(...argv);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.ok(
      stderr.startsWith(`Error parsing command line arguments: ${message}\nprometheus: error: ${message}\n`),
      stderr,
    );
  });
}

for (const [flag, message] of [
  ["--web.max-connections=abc", 'strconv.ParseFloat: parsing "abc": invalid syntax'],
  ["--web.max-connections=", 'strconv.ParseFloat: parsing "": invalid syntax'],
  ["--query.timeout=5x", 'unknown unit "x" in duration "5x"'],
  ["--query.timeout=", "empty duration string"],
  ["--storage.tsdb.wal-compression-type=lz4", "enum value must be one of snappy,zstd, got 'lz4'"],
  ["--log.level=foo", "unrecognized log level foo"],
  ["--log.format=xml", "unrecognized log format xml"],
  ["--storage.tsdb.retention.size=5", "units: unknown unit  in 5"],
  ["--scrape.timestamp-tolerance=5x", 'time: unknown unit "x" in duration "5x"'],
] as const) {
  test(`flags: a wrong value ends with code 2 and the usage on stdout: ${flag}`, () => {
    const { code, stdout, stderr } = exit(flag);
    assert.equal(code, 2);
    assert.match(stdout, /^usage: prometheus \[<flags>\]\n/);
    assert.equal(stderr, `Error parsing command line arguments: ${message}\n`);
  });
}

test("flags: help and version go to stdout with code 0, even beside a wrong value", () => {
  const help = exit("-h", "--query.timeout=5x");
  assert.equal(help.code, 0);
  assert.match(
    help.stdout,
    /\n {2}-h, --\[no-\]help {16}Show context-sensitive help \(also try\n {33}--help-long and --help-man\)\.\n/,
  );
  assert.match(help.stdout, /\n {6}--query\.lookback-delta=5m {2}The maximum lookback duration for retrieving\n/);
  assert.ok(!help.stdout.includes("min-block-duration"), "hidden flags are not shown");
  const version = exit("--version");
  assert.equal(version.code, 0);
  assert.match(version.stdout, /^prometheus, version 9\.8\.7 \(branch: .+, revision: .+\)\n {2}build user: {7}\S+\n/);
  assert.match(version.stdout, /\n {2}platform: {9}\w+\/\w+\n {2}tags: {13}unknown\n$/);
});

test("flags: a mistyped name gets a suggestion", () => {
  assert.match(exit("--web.enable-lifecylce").stderr, /did you mean --web\.enable-lifecycle\?/);
});

test("flags: those of the other mode end with code 3", () => {
  const agent = exit("--agent", "--storage.tsdb.path=x", "--query.timeout=1m");
  assert.equal(agent.code, 3);
  assert.equal(
    agent.stderr,
    'The following flag(s) can not be used in agent mode: ["--storage.tsdb.path" "--query.timeout"]',
  );
  const server = exit("--storage.agent.path=x");
  assert.equal(server.code, 3);
  assert.equal(server.stderr, 'The following flag(s) can only be used in agent mode: ["--storage.agent.path"]');
});

test("flags: what lies out of range or contradicts itself is refused before anything starts", () => {
  assert.equal(
    exit("--auto-gomemlimit.ratio=2").stderr,
    "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.",
  );
  assert.match(exit("--storage.tsdb.wal-segment-size=1MB").stderr, /between 10MB and 256MB/);
  assert.equal(exit("--web.search.max-limit=-1").kind, "exit");
  assert.match(
    exit("--enable-feature=otlp-deltatocumulative,otlp-native-delta-ingestion").stderr,
    /^Error parsing feature list: cannot enable otlp-deltatocumulative and otlp-native-delta-ingestion/,
  );
  assert.deepEqual(exit('--web.external-url="x"'), {
    kind: "exit",
    code: 2,
    stdout: "",
    stderr: 'parse external URL "\\"x\\"": URL must not begin or end with quotes\n',
  });
  assert.match(
    exit("--web.cors.origin=(").stderr,
    /^could not compile CORS regex string "\(": error parsing regexp: missing closing \)/,
  );
});

test("flags: the external URL gives the route prefix unless that is given itself", () => {
  assert.deepEqual(run("--web.external-url=https://x.org/a/b/").web, {
    externalUrl: "https://x.org/a/b",
    externalPath: "/a/b",
    routePrefix: "/a/b",
  });
  assert.equal(run("--web.external-url=https://x.org/a", "--web.route-prefix=/").web.routePrefix, "/");
  assert.equal(run("--web.route-prefix=p/").web.routePrefix, "/p");
});

test("flags: features are split at commas; unknown ones and those not there yet are noted once each", () => {
  const { features, notes } = run(
    "--enable-feature=promql-experimental-functions,foo",
    "--enable-feature=foo,exemplar-storage",
  );
  assert.ok(features.has("promql-experimental-functions"));
  const messages = notes.map((note) => `${note.level} ${note.message}`);
  assert.ok(messages.includes("info Experimental PromQL functions enabled."));
  assert.equal(messages.filter((message) => message === "warn Unknown option for --enable-feature").length, 1);
});

test("flags: one that has no effect yet says so in one line, but only when it differs from its default", () => {
  for (const [name] of MISSING_FLAGS)
    assert.ok(
      SERVER_FLAGS.some((flag) => flag.name === name),
      name,
    );
  for (const name of MISSING_FEATURES)
    assert.ok(
      FEATURES.some((feature) => feature.name === name),
      name,
    );
  const [name] = [...MISSING_FLAGS.keys()].filter((each) =>
    SERVER_FLAGS.some((flag) => flag.name === each && flag.type.isText),
  );
  if (name === undefined) return;
  const flag = SERVER_FLAGS.find((each) => each.name === name);
  const { notes } = run(`--${name}=other`);
  assert.equal(notes.length, 1);
  assert.match(notes[0]?.message ?? "", new RegExp(`^--${name} has no effect: `));
  assert.deepEqual(run(`--${name}=${flag?.default ?? ""}`).notes, []);
});

test("flags: the status list shows all of them as text, in force, hidden ones included", () => {
  const command = run("--web.listen-address=:1", "--web.listen-address=:2");
  const retention = flagRetention(command.flags);
  const texts = statusFlags(command, retention);
  assert.equal(Object.keys(texts).length, SERVER_FLAGS.length);
  const shown = Object.fromEntries(
    [
      "web.listen-address",
      "storage.remote.read-sample-limit",
      "storage.tsdb.retention.time",
      "storage.tsdb.retention.size",
      "storage.tsdb.max-block-duration",
      "storage.tsdb.wal-segment-size",
      "web.route-prefix",
      "auto-gomemlimit.ratio",
      "scrape.timestamp-tolerance",
      "agent",
      "web.remote-write-receiver.accepted-protobuf-messages",
      "web.external-url",
    ].map((name) => [name, texts[name]]),
  );
  assert.deepEqual(shown, {
    "web.listen-address": ":1,:2",
    "storage.remote.read-sample-limit": "50000000",
    "storage.tsdb.retention.time": "15d",
    "storage.tsdb.retention.size": "0B",
    "storage.tsdb.max-block-duration": "1d12h",
    "storage.tsdb.wal-segment-size": "0B",
    "web.route-prefix": "/",
    "auto-gomemlimit.ratio": "0.9",
    "scrape.timestamp-tolerance": "2ms",
    agent: "false",
    "web.remote-write-receiver.accepted-protobuf-messages": "prometheus.WriteRequest,io.prometheus.write.v2.Request",
    "web.external-url": "",
  });
});

test("flags: retention defaults to 15 days only when neither time nor size is given", () => {
  assert.deepEqual(flagRetention(run("--storage.tsdb.retention.size=1GB").flags), { timeMs: 0, sizeBytes: 2 ** 30 });
  assert.deepEqual(flagRetention(run("--storage.tsdb.retention.time=30d").flags), {
    timeMs: 30 * 86_400_000,
    sizeBytes: 0,
  });
});
