// `narthex amtool` beside the reference's amtool: every command, good and bad, against the reference's Alertmanager and
// against ours. Both tools find the same things there, and must print the same to both outputs and end with the same code.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { Alertmanager, eventually, reference } from "../lib/alertmanager.mjs";
import { scratch } from "../lib/program.mjs";

const OURS = [resolve(import.meta.dirname, "../../node_modules/.bin/narthex"), "amtool"];
const missing = { skip: reference.missing ?? false };
const NO_ID = "00000000-0000-0000-0000-000000000000";

const CONFIG = `
route:
  receiver: default
  group_by: [alertname]
  group_wait: 10ms
  routes:
  - matchers: [severity="page"]
    receiver: pager
    continue: true
    routes:
    - matchers: [team=~"a|b", 'x!="y"']
    - receiver: hook
      matchers: []
  - match: {service: db}
    receiver: hook
inhibit_rules:
- source_matchers: [alertname=Source]
  target_matchers: [alertname=Target]
receivers:
- name: default
- name: pager
  pagerduty_configs: [{routing_key: secret, url: "http://127.0.0.1:1/"}]
- name: hook
  webhook_configs: [{url: "http://127.0.0.1:1/"}]
`;

const FILES = {
  "good.yml": CONFIG,
  "templates.yml": `${CONFIG}templates: [good.tmpl, nothing.tmpl]\n`,
  "bad-template.yml": `${CONFIG}templates: [bad.tmpl]\n`,
  "unknown-key.yml": "route: {receiver: x, foo: 1}\n",
  "unknown-receiver.yml": "route: {receiver: x}\n",
  "empty.yml": "",
  "good.tmpl":
    '{{ define "own" }}{{ .Receiver }} {{ range .Alerts }}{{ .Status }}:{{ .Labels.SortedPairs }};{{ end }}{{ end }}',
  "bad.tmpl": '{{ define "x" }}{{ nothing }}{{ end }}',
  "data.json": JSON.stringify({
    receiver: "r",
    status: "firing",
    alerts: [{ status: "firing", labels: { a: "<b>" }, startsAt: "2020-01-01T00:00:00Z" }],
    commonLabels: { a: "<b>" },
    externalURL: "http://x/",
  }),
  "not.json": "x",
  "wrong.json": '{"receiver":1}',
  "import.json": JSON.stringify([
    silence({ comment: "first" }),
    silence({ id: NO_ID, comment: "an id that nobody knows" }),
    silence({ comment: "", endsAt: "2020-01-01T00:00:00Z" }),
  ]),
  "import-good.json": JSON.stringify([silence({ id: NO_ID, comment: "forced" })]),
  args: "# a comment\nfoo\n--comment=out of a file\n",
  "http.yml": "basic_auth: {username: u, password: p}\n",
  "http-bad.yml": "basic_auth: {nothing: u}\n",
};

function silence(fields) {
  const matchers = [{ name: "a", value: "b", isRegex: false, isEqual: true }];
  return { matchers, startsAt: "2030-01-01T00:00:00Z", endsAt: "2030-01-02T00:00:00Z", createdBy: "me", ...fields };
}

/** Command lines, with `$0` for the first id that was printed and so on. What one leaves behind, the next ones find. */
const ASKING = [
  // Alerts.
  ["alert"],
  ["alert", "add", "foo", "node=bar", "--annotation=summary=hi", "--annotation=desc=a b", "--generator-url=http://x/y"],
  ["alert", "add", "alertname=two words", "severity=page", "--start=2020-01-01T00:00:00+02:00"],
  ["alert", "add", "old", "--start=2020-01-01T00:00:00Z", "--end=2020-01-02T00:00:00Z"],
  ["alert", "add", "alertname=Source"],
  ["alert", "add", "alertname=Target"],
  ["alert", "add", "Täst", 'häder="wörld"'],
  ["alert", "add"],
  ["alert", "add", "foo", "bar"],
  ["alert", "add", "foo", "a!=b"],
  ["alert", "add", "foo", "--annotation=a=~b"],
  ["alert", "add", "foo", "--generator-url=:bad"],
  ["alert", "add", "foo", "--start=bad"],
  ["alert", "add", "foo", "--start=2020-13-01T00:00:00Z"],
  ["alert", "add", "foo", "--end=2020-02-30T00:00:00Z"],
  ["alert", "add", "foo", "--end=2020-02-20T00:00:00Zx"],
  ["alert", "add", "foo", "--end=2020-02-20 00:00:00"],
  ["alert", "add", "foo", "-i"],
  "settled",
  ["alert"],
  ["alert", "query", "-a", "-i", "-s", "-u"],
  ["-o", "extended", "alert"],
  ["alert", "-oextended", "--date.format=Jan _2 3:04PM 06"],
  ["alert", "query", "-i"],
  ["alert", "query", "-is", "foo"],
  ["alert", "foo"],
  ["alert", "query", "foo", "node=~b.*"],
  ["alert", "query", "a{b"],
  ["alert", "query", "alertname=~.*o.*", "-r", "de.*"],
  ["alert", "query", "-r", "("],
  ["alert", "query", "foo", "a=~("],
  ["alert", "query", "{}"],
  ["alert", "query", "two words"],
  ["--enable-feature=utf8-strict-mode", "alert", "query", "foo", "node=bar"],
  ["--enable-feature=classic-mode", "alert", "query", "foo", "node=bar"],
  ["--enable-feature=nothing", "alert", "query", "foo", "node=bar"],
  // Silences.
  ["silence"],
  ["silence", "add", "foo", "-c", "hi"],
  ["silence", "add", "foo", "a=~b.*", "c!=d", "e!~f", "-c", "two\nlines", "-d", "2d", "--annotation=a=b", "-a", "me"],
  ["silence", "add", "foo", "-c", "later", "--start=2030-01-01T00:00:00+02:00"],
  ["silence", "add", "foo", "-c", "x", "--start=2030-01-01T00:00:00+02:00", "--end=2020-01-01T00:00:00Z"],
  ["silence", "add", "foo", "-c", "x", "--start=2010-01-01T00:00:00Z", "--end=2020-01-01T00:00:00Z"],
  ["silence", "add"],
  ["silence", "add", "foo"],
  ["silence", "add", "foo", "--no-require-comment"],
  ["silence", "add", "foo", "-c", "x", "-d", "0s"],
  ["silence", "add", "foo", "-c", "x", "-d", "1x"],
  ["silence", "add", "foo", "-c", "x", "-d", ""],
  ["silence", "add", "foo", "-c", "x", "--end=x"],
  ["silence", "add", "foo", "-c", "x", "--start=x"],
  ["silence", "add", "foo=~(", "-c", "a name, not a pattern"],
  ["silence", "add", "foo", "bar=~(", "-c", "x"],
  ["silence", "add", "foo=~.*", "-c", "x"],
  ["silence", "add", "foo", "-c", "x", "--annotation=a=~b"],
  ["silence", "add", "@args"],
  ["silence", "add", "@nothing"],
  ["silence", "add", "--", "-foo"],
  "settled",
  ["alert", "-s"],
  ["silence"],
  ["silence", "-o", "extended"],
  ["silence", "-q"],
  ["silence", "--id=$0"],
  ["silence", "--id=nope"],
  ["silence", "--created-by=me"],
  ["silence", "--within=90m"],
  ["silence", "--within=3d"],
  ["silence", "--within=x"],
  ["silence", "foo"],
  ["silence", "query", "nope"],
  ["silence", "query", "foo", "a=~("],
  ["silence", "update"],
  ["silence", "update", "$0", "-c", "new"],
  ["silence", "update", "$0", "-d", "5h"],
  ["silence", "update", "$0", "$1", "--end=2031-01-01T00:00:00Z", "-o", "extended"],
  ["silence", "update", "$2", "--start=2029-01-01T00:00:00Z"],
  ["silence", "update", "$0", "-d", "0s"],
  ["silence", "update", "$0", "-d", "x"],
  ["silence", "update", "$0", "--start=x"],
  ["silence", "update", "$0", "--end=2000-01-01T00:00:00Z"],
  ["silence", "update", "nope"],
  ["silence", "update", NO_ID],
  ["silence", "expire"],
  ["silence", "expire", "$0"],
  ["silence", "expire", "$0"],
  ["silence", "expire", "nope"],
  ["silence", "expire", NO_ID],
  ["silence", "--expired"],
  ["silence", "--expired", "--within=1h", "-q"],
  ["silence", "update", "$0", "-d", "7h"],
  ["silence", "import", "-w", "1", "import.json"],
  ["silence", "import", "--force", "import-good.json"],
  ["silence", "import", "-w", "abc", "import.json"],
  ["silence", "import", "nothing.json"],
  ["silence", "import", "not.json"],
  ["silence", "import", "import-good.json", "another"],
  ["silence", "import"],
  ["silence"],
  // Configuration and cluster.
  ["config"],
  ["config", "show", "extra"],
  ["config", "routes"],
  ["config", "routes", "show", "--config.file=good.yml"],
  ["config", "routes", "--config.file=good.yml"],
  ["config", "routes", "show", "--config.file=nothing.yml"],
  ["config", "routes", "show", "--config.file=."],
  ["config", "routes", "show", "--config.file=unknown-receiver.yml"],
  ["config", "routes", "test"],
  ["config", "routes", "test", "severity=page", "team=a", "service=db"],
  ["config", "routes", "test", "--tree", "severity=page", "team=a", "service=db"],
  ["config", "routes", "test", "--tree", "severity=page", "x=y"],
  ["config", "routes", "test", "--tree"],
  ["config", "routes", "test", "--verify.receivers=hook", "service=db"],
  ["config", "routes", "test", "--verify.receivers=pager", "service=db"],
  ["config", "routes", "test", "foo"],
  ["config", "routes", "test", "a!=b"],
  ["config", "routes", "test", "--config.file=unknown-key.yml", "a=b"],
  ["cluster"],
  ["cluster", "show", "-o", "extended"],
  ["cluster", "-o", "json"],
  ["--http.config.file=http.yml", "silence", "-q"],
  ["--http.config.file=nothing.yml", "silence"],
  ["check-config", "good.yml"],
];

const ALONE = [
  ["check-config", "good.yml", "unknown-key.yml", "unknown-receiver.yml", "templates.yml", "bad-template.yml"],
  ["check-config", "empty.yml"],
  ["check-config"],
  ["check-config", "/dev/stdin"],
  ["check-config", "nothing.yml"],
  ["check-config", "."],
  ["check-config", "--config.file=good.yml"],
  ["config", "routes", "show", "--config.file=good.yml"],
  ["config", "routes", "test", "--config.file=good.yml", "severity=page"],
  ["template", "render", "--template.glob=*.tmpl", "--template.text=x"],
  ["template", "render", "--template.glob=good.tmpl", '--template.text={{ template "own" . }}'],
  [
    "template",
    "render",
    "--template.glob=good.tmpl",
    '--template.text={{ template "own" . }}',
    "--template.data=data.json",
  ],
  [
    "template",
    "render",
    "--template.glob=good.tmpl",
    "--template.text={{ (index .Alerts 0).EndsAt }}",
    "--template.data=data.json",
  ],
  [
    "template",
    "render",
    "--template.glob=good.tmpl",
    "--template.text=<b>{{ .CommonLabels }}</b>",
    "--template.type=html",
    "--template.data=data.json",
  ],
  [
    "template",
    "render",
    "--template.glob=good.tmpl",
    "--template.text={{ range .Alerts }}{{ .Labels }}{{ .Annotations }}{{ .Fingerprint }}{{ .GeneratorURL }}{{ end }}{{ .Status }}{{ .GroupLabels }}{{ .CommonAnnotations }}{{ .ExternalURL }}",
  ],
  ["template", "render", "--template.glob=good.tmpl", "--template.text={{ nothing }}"],
  ["template", "render", "--template.glob=good.tmpl", "--template.text=x", "--template.type=xml"],
  ["template", "render", "--template.glob=good.tmpl", "--template.text=x", "--template.data=nothing.json"],
  ["template", "render", "--template.glob=good.tmpl", "--template.text=x", "--template.data=not.json"],
  ["template", "render", "--template.glob=good.tmpl", "--template.text=x", "--template.data=wrong.json"],
  ["template", "render", "--template.glob=[", "--template.text=x"],
  ["template", "render", "--template.glob=good.tmpl"],
  ["template"],
  ["nothing"],
  ["config", "nothing"],
  ["-"],
  ["silence", "add", "-c"],
  ["silence", "add", "-c", "--start=1"],
  ["silence", "add", "--nothing"],
  ["silence", "add", "-z"],
  ["silence", "--duration=2h"],
  ["silence", "--no-duration"],
  ["--alertmanager.url=http://127.0.0.1:1", "silence", "add", "a=b", "-c", "x", "-c", "y"],
  ["--alertmanager.url=http://127.0.0.1:1", "-v", "-v", "silence"],
  ["--alertmanager.url=http://127.0.0.1:1", "-o", "bla", "silence"],
  ["--alertmanager.url=http://127.0.0.1:1", "--timeout=abc", "silence"],
  ["--alertmanager.url=http://127.0.0.1:1", "--timeout=5", "silence"],
  ["--version=true"],
  ["silence", "--alertmanager.url=http://127.0.0.1:1"],
  ["silence", "add", "foo", "a~b", "-c", "x", "--alertmanager.url=http://127.0.0.1:1"],
  ["silence", "add", "foo", "-c", "x", "--alertmanager.url=http://127.0.0.1:1/prefix/"],
  ["silence", "expire", "a b", "--alertmanager.url=http://127.0.0.1:1"],
  ["alert", "query", "foo", "a=~b*!~", "-r", "x y", "--alertmanager.url=http://127.0.0.1:1"],
  ["config", "--alertmanager.url=127.0.0.1"],
  ["cluster", "--alertmanager.url=ftp://127.0.0.1:1"],
  ["silence", "--alertmanager.url=http://u:p@127.0.0.1:1", "--http.config.file=http.yml"],
];

for (const server of ["reference's", "own"])
  test(
    `amtool: beside the reference's on the ${server} Alertmanager, every command prints and leaves behind the same`,
    missing,
    async (t) => {
      const command = server === "own" ? undefined : reference.command;
      const runs = [];
      for (const tool of [reference.amtool, OURS]) {
        const alertmanager = await Alertmanager.start(t, {
          config: CONFIG,
          ...(command === undefined ? {} : { command }),
        });
        runs.push(await runAll(t, tool, ASKING, alertmanager));
      }
      compare(runs);
    },
  );

test("amtool: beside the reference's without an Alertmanager, every command prints the same", missing, async (t) => {
  compare(await Promise.all([runAll(t, reference.amtool, ALONE), runAll(t, OURS, ALONE)]));
});

test("amtool: -o json is what the API answers, of alerts, silences and the status", missing, async (t) => {
  const alertmanager = await Alertmanager.start(t, { config: CONFIG });
  const folder = makeFiles(t);
  for (const args of [
    ["alert", "add", "foo", "a=<b>", "--annotation=a=b"],
    ["silence", "add", "foo", "-c", "x & y"],
  ])
    await run(OURS, args, folder, alertmanager.url);
  for (const args of [["alert", "-a", "-s"], ["silence"], ["config", "show"]]) {
    const [theirs, ours] = await Promise.all(
      [reference.amtool, OURS].map((tool) =>
        run(tool, ["--no-version-check", ...args, "-o", "json"], folder, alertmanager.url),
      ),
    );
    assert.deepEqual(ours, theirs, args.join(" "));
  }
});

test("amtool: the extended configuration has the facts themselves, and other versions are warned of", async (t) => {
  const alertmanager = await Alertmanager.start(t, { config: CONFIG });
  const folder = makeFiles(t);
  const { stdout, code } = await run(OURS, ["config", "show", "-o", "extended"], folder, alertmanager.url);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^global:\n[\s\S]*\ntemplates: \[\]\n\nbuildUser narthex\ngoVersion node-[\d.]+\nrevision [\s\S]*\nuptime \d/,
  );
  assert.equal((await run(OURS, ["cluster", "--version-check"], folder, alertmanager.url)).stderr, "");
});

test("amtool: defaults come from the user's file, and the command line goes before them", async (t) => {
  const alertmanager = await Alertmanager.start(t, { config: CONFIG });
  const folder = makeFiles(t);
  mkdirSync(join(folder, ".config/amtool"), { recursive: true });
  const file = join(folder, ".config/amtool/config.yml");
  writeFileSync(
    file,
    `alertmanager.url: ${alertmanager.url}\nauthor: somebody\ncomment_required: false\noutput: extended\n`,
  );
  const added = await run(OURS, ["silence", "add", "foo"], folder);
  assert.equal(added.code, 0, added.stderr);
  const simple = await run(OURS, ["-o", "simple", "silence"], folder);
  assert.match(
    simple.stdout,
    /^ID +Matchers +Ends At +Created By +Comment {2}\n\S+ {2}alertname="foo" {2}.* {2}somebody {13}\n$/,
  );
  assert.match((await run(OURS, ["silence"], folder)).stdout, /^ID +Matchers +Starts At/);
  writeFileSync(file, "alertmanager.url: [a]\n");
  const broken = await run(OURS, ["silence"], folder);
  assert.deepEqual([broken.code, broken.stdout], [1, ""]);
  assert.match(
    broken.stderr,
    /could not load config file: .*config.yml: line 1: a flag's value must be one word or text/,
  );
});

test("amtool: help names every command and every flag", async (t) => {
  const folder = makeFiles(t);
  const { code, stdout } = await run(OURS, ["--help"], folder);
  assert.equal(code, 0);
  for (const command of [
    "alert query",
    "alert add",
    "silence add",
    "silence expire",
    "silence import",
    "silence query",
  ])
    assert.ok(stdout.includes(command), command);
  const add = await run(OURS, ["help", "silence", "add"], folder);
  for (const flag of ["--author", "--duration", "--start", "--end", "--comment", "--annotation", "--alertmanager.url"])
    assert.ok(add.stdout.includes(flag), flag);
  assert.match((await run(OURS, ["--version"], folder)).stdout, /^amtool, version 0\.34/);
});

async function runAll(t, tool, lines, alertmanager) {
  const folder = makeFiles(t);
  const startedMs = Date.now();
  const ids = [];
  const results = [];
  for (const args of lines) {
    if (args === "settled") {
      await eventually(
        async () =>
          (await alertmanager.api("/alerts?unprocessed=true&active=false&silenced=false&inhibited=false")).length === 0,
      );
      continue;
    }
    const line = args.map((arg) => arg.replace(/^\$(\d)$/, (_, i) => ids[i]));
    const result = await run(tool, ["--no-version-check", ...line], folder, alertmanager?.url);
    for (const [id] of result.stdout.matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g))
      if (!ids.includes(id)) ids.push(id);
    results.push({ args: args.join(" "), ...normalised(result, ids, alertmanager, startedMs) });
  }
  return results;
}

function compare([theirs, ours]) {
  const differences = ours.filter((each, i) => JSON.stringify(each) !== JSON.stringify(theirs[i]));
  const shown = differences.map((each) => ({ ours: each, theirs: theirs[ours.indexOf(each)] }));
  assert.deepEqual(shown, []);
}

/** Ids by the order of their coming, times by what they are, places of ours and of theirs away. */
function normalised({ code, stdout, stderr }, ids, alertmanager, startedMs) {
  const plain = (text) =>
    withoutMinutes(text, startedMs)
      .replaceAll(alertmanager?.url ?? "no URL", "URL")
      .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) =>
        id === NO_ID ? id : `<id ${ids.indexOf(id)}>`.padEnd(36),
      )
      .replace(/^time=\S+ level=(\S+) source=\S+/gm, "time=T level=$1 source=S")
      .replace(/20(?!20|30|31|29)\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC/g, "T".padEnd(23))
      // Debian's build has an address when none is given, and says that a file goes before it.
      .replace(alertmanager === undefined ? "Warning: --config.file flag overrides the --alertmanager.url.\n" : "", "")
      // Where a configuration is wrong, ours names the place.
      .replace(/(?:\S+\.yml|\/dev\/stdin)(?::\d+:\d+)?: |, column \d+/g, "");
  return { code, stdout: plain(stdout), stderr: plain(stderr) };
}

/** How long an alert lasts that was given no end. */
const RESOLVE_TIMEOUT_MS = 5 * 60_000;

/**
 * Minutes of the format that one command asks for, by what they are: one run may be in the next minute already, and in an hour with
 * another number of digits, to which columns are wide. Times that no run can bring stay as they are.
 */
function withoutMinutes(text, startedMs) {
  const minutes = /[A-Z][a-z]{2} [ \d]\d \d{1,2}:\d\d[AP]M \d\d/g;
  if (!minutes.test(text)) return text;
  const isInRun = (ms) => ms > startedMs - 60_000 && ms <= Date.now();
  const named = text.replace(minutes, (shown) => {
    const ms = Date.parse(`${shown.replace(/([AP]M) (\d\d)$/, " $1 20$2")} UTC`);
    if (isInRun(ms)) return "<now>";
    return isInRun(ms - RESOLVE_TIMEOUT_MS) ? "<end of what has none>" : shown;
  });
  return named.replace(/ {2,}/g, "  ");
}

function makeFiles(t) {
  const folder = scratch(t);
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(folder, name), text);
  return folder;
}

function run([program, ...first], args, folder, url) {
  return new Promise((done) => {
    const flags = url === undefined ? [] : [`--alertmanager.url=${url}`];
    const child = spawn(program, [...first, ...flags, ...args], {
      cwd: folder,
      env: { ...process.env, HOME: folder, TZ: "UTC" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => (stdout += text));
    child.stderr.on("data", (text) => (stderr += text));
    child.on("close", (code) => done({ code, stdout, stderr }));
  });
}
