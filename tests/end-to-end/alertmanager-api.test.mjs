// Answers of the API, beside those of the reference: the same requests, compared one by one.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Alertmanager, Catcher, reference } from "../lib/alertmanager.mjs";
import { scratch } from "../lib/program.mjs";

const config = (port) => `
global: {resolve_timeout: 5m, smtp_smarthost: "localhost:25", smtp_from: a@b.c, slack_api_url: "https://hooks.example/x"}
route:
  receiver: default
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 1h
  routes:
  - {matchers: [severity="page"], receiver: pager, mute_time_intervals: [always], continue: true}
  - {matchers: ['team=~"a|b"', foo!=bar], group_by: ['...']}
receivers:
- name: default
  webhook_configs: [{url: "http://127.0.0.1:${port}/default"}]
- name: pager
  labels: {owner: x}
  webhook_configs: [{url: "http://127.0.0.1:${port}/pager", send_resolved: false, max_alerts: 2}]
- name: unused
  slack_configs: [{channel: "#x"}]
inhibit_rules:
- {source_matchers: [severity="critical"], target_matchers: [severity="warning"], equal: [alertname, instance]}
time_intervals:
- name: always
  time_intervals: [{times: [{start_time: "00:00", end_time: "24:00"}], weekdays: ['sunday:saturday'], days_of_month: ['1:-1'], months: ['january:december'], years: ['2020:2090'], location: UTC}]
`;

const POSTED_ALERTS = [
  "",
  "{}",
  "[",
  "[{}]",
  '[{"labels":{}}]',
  '[{"labels":{"a":1}}]',
  '[{"labels":{"a":"b"},"startsAt":"x"}]',
  "null",
  '[{"labels":null}]',
  '[{"labels":{"a":"b"},"generatorURL":"::x"}]',
  '[{"labels":{"":"b"}}]',
  '[{"labels":{"a":"b"},"bogus":1}]',
  '"x"',
  '[{"labels":{"a":"b"},"startsAt":"2026-01-02T00:00:00Z","endsAt":"2026-01-01T00:00:00Z"}]',
  '[{"labels":{"a":"b"},"annotations":{"":"x"}},{"labels":{}}]',
  "[] x",
  '[{"labels":{"a":"b"},"startsAt":5}]',
  '{"labels":{"a":"b"}}',
  '[{"labels":{"a":"b"},"annotations":{"x":["y"]}}]',
  '[{"labels":["a"]}]',
  "5",
  "tru",
  '[{"labels":{"a":"b"},"endsAt":"2026-13-01T00:00:00Z"}]',
  '[{"labels":{"a":"b"},"generatorURL":"x y"}]',
  '[{"labels":{"a":"b"},"generatorURL":5}]',
  "[1]",
];
const silence = (more) =>
  JSON.stringify({
    matchers: [{ name: "a", value: "b", isRegex: false }],
    comment: "c",
    createdBy: "x",
    startsAt: "2090-01-01T00:00:00Z",
    endsAt: "2091-01-01T00:00:00Z",
    ...more,
  });
const POSTED_SILENCES = [
  ...[
    "",
    "{}",
    "[]",
    "null",
    '{"comment":"c"',
    '{"comment":"c\\q"}',
    '{"comment":tru}',
    '{"comment" 5}',
    "{comment:5}",
  ],
  ...[
    '{"a":1 "b":2}',
    "[1 2]",
    '{"a":01}',
    '{"a":1.x}',
    '{"a":1ex}',
    '{"a":"\\u12x4"}',
    "{'a':1}",
    '{"a":}',
    '{"a":1,}',
  ],
  ...[[], [{}], [{ name: "a" }], [{ name: "a", value: "b" }]].map((matchers) => silence({ matchers })),
  silence({ matchers: [{ name: "a", value: "", isRegex: false }] }),
  silence({ matchers: [{ name: "a", value: "(", isRegex: true }] }),
  silence({ matchers: [{ name: "", value: "x", isRegex: true }] }),
  silence({ matchers: [{ name: "a", value: "b", isRegex: "x" }] }),
  silence({ matchers: [{ name: 5, value: "b", isRegex: false }] }),
  silence({ matchers: { a: 1 }, comment: 5 }),
  ...["comment", "createdBy", "startsAt", "endsAt", "matchers"].map((key) => silence({ [key]: undefined })),
  silence({ comment: "", createdBy: "" }),
  silence({ startsAt: "2091-01-02T00:00:00Z" }),
  silence({ startsAt: "2020-01-02T00:00:00Z", endsAt: "2020-01-03T00:00:00Z" }),
  silence({ id: "nope" }),
  silence({ annotations: { a: 5 } }),
];
const json = { "Content-Type": "application/json" };
const PATHS = [
  "/alerts?active=foo",
  "/alerts?active=1&receiver=(",
  "/alerts?active=&silenced=yes&inhibited=off&unprocessed=x",
  "/alerts?filter=a",
  "/alerts?filter=a&receiver_matchers=x",
  "/alerts/groups?receiver_matchers=x",
  "/receivers?receiver_matchers=owner%3Dx",
  "/receivers?receiver_matchers=x",
  "/receivers",
  "/nope",
  "/",
  "",
  "/silence/nope",
  "/silence/a%2Fb",
  "/silence/a/b",
  "/silence/9b2f6c7e-5f1e-4d4e-9f5e-0c6e6e6e6e6e",
  "/silences?filter=sev",
];
const REQUESTS = [
  ...POSTED_ALERTS.map((body) => ["/api/v2/alerts", { method: "POST", body, headers: json }]),
  ...POSTED_SILENCES.map((body) => ["/api/v2/silences", { method: "POST", body, headers: json }]),
  ...PATHS.map((path) => [`/api/v2${path}`, {}]),
  ["/api/v2/alerts", { method: "POST", body: "[]", headers: { "Content-Type": "text/plain" } }],
  ["/api/v2/alerts", { method: "POST", body: "[]", headers: { "Content-Type": "application/json; charset=utf-8" } }],
  ["/api/v2/alerts", { method: "POST", body: "[]", headers: { ...json, Accept: "text/plain" } }],
  ["/api/v2/alerts", { method: "PUT" }],
  ["/api/v2/alerts", { method: "OPTIONS" }],
  ["/api/v2/alerts", { method: "OPTIONS", headers: { Origin: "http://x", "Access-Control-Request-Method": "POST" } }],
  [
    "/api/v2/silence/x",
    { method: "OPTIONS", headers: { Origin: "http://x", "Access-Control-Request-Method": "DELETE" } },
  ],
  ["/api/v2/silence/x", { method: "PUT" }],
  ["/api/v2/silence/x", { method: "DELETE" }],
  ["/api/v2/silence/9b2f6c7e-5f1e-4d4e-9f5e-0c6e6e6e6e6e", { method: "DELETE" }],
  ["/api/v2/receivers", { headers: { Origin: "http://x" } }],
  ["/api/v2/receivers", { headers: { Accept: "text/html" } }],
  ["/api/v2/receivers", { method: "HEAD" }],
  ["/api/v1/alerts", {}],
  ["/api/v1/silences", { method: "POST", body: "{}" }],
  ["/nope", {}],
  ["/-/healthy", {}],
  ["/-/healthy", { method: "POST" }],
  ["/-/ready", { method: "HEAD" }],
  ["/-/reload", {}],
  ["/-/reload", { method: "POST" }],
  ["//api/v2/alerts", {}],
  ["/api/v2/alerts/", {}],
];

/** Without what differs between two runs. Methods that are allowed come in an order of chance there. */
function shown({ status, headers, body }) {
  const text = JSON.stringify({ status, headers, body })
    .replace(/\d{4}-\d\d-\d\dT[0-9:.]+Z/g, "TIME")
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "UUID")
    .replace(/,\\"routeLabels\\":\{\}/g, "");
  return text.replace(/[A-Z]+,[A-Z]+/g, (methods) => methods.split(",").sort().join(","));
}

const start = async (t, command, flags) => {
  const catcher = await Catcher.start(t);
  const program = await Alertmanager.start(t, { config: config(catcher.port), command, flags });
  return { catcher, program };
};

test("alertmanager: the API answers as the reference does", { skip: reference.missing }, async (t) => {
  const theirs = await start(t, reference.command);
  const ours = await start(t);
  const both = async (path, options) => {
    const [expected, actual] = await Promise.all([theirs, ours].map(({ program }) => program.call(path, options)));
    assert.equal(shown(actual), shown(expected), `${options?.method ?? "GET"} ${path} ${options?.body ?? ""}`);
    return [expected, actual];
  };
  const settle = () => sleep(300);

  await t.test("to requests of all kinds", async () => {
    for (const [path, options] of REQUESTS) await both(path, options);
  });

  await t.test("about the configuration", async () => {
    const original = async ({ program, catcher }) =>
      (await program.api("/status")).config.original.replaceAll(String(catcher.port), "PORT");
    assert.equal(await original(ours), await original(theirs));
  });

  const startsAt = new Date().toISOString();
  const alerts = [
    {
      labels: { alertname: "A<b>&", x: "" },
      annotations: { s: "<i>&\u2028" },
      startsAt,
      generatorURL: "http://x/?a=b&c=d",
    },
    { labels: { alertname: "B", severity: "page" }, startsAt, generatorURL: "" },
    { labels: { alertname: "C", severity: "critical", instance: "i" }, startsAt },
    { labels: { alertname: "C", severity: "warning", instance: "i" }, startsAt },
    { labels: { alertname: "C", severity: "warning", instance: "j" }, startsAt, endsAt: "2090-01-01T00:00:00+02:00" },
    { labels: { alertname: "D", team: "a", ü: "é" }, startsAt },
    { labels: { alertname: "E", team: "b", foo: "bar" }, startsAt },
  ];
  const LISTS = ["/alerts", "/alerts/groups"];
  const FILTERS = [
    "",
    "silenced=false",
    "inhibited=false",
    "active=false",
    "receiver=pag.*",
    "filter=alertname%3DC",
    'filter=x%3D""',
    'filter=instance!%3D""',
    "muted=false",
    "receiver_matchers=owner%3Dx",
    "filter=%C3%BC%3D~.%2B",
    "unprocessed=false",
  ];

  await t.test("about alerts", async () => {
    await both("/api/v2/alerts", { method: "POST", body: alerts });
    await settle();
    for (const list of LISTS) for (const filter of FILTERS) await both(`/api/v2${list}?${filter}`);
  });

  await t.test("about alerts after their groups were told", async () => {
    await Promise.all([theirs, ours].map(({ catcher }) => catcher.until("/default", 4)));
    await settle();
    for (const list of LISTS) for (const filter of FILTERS) await both(`/api/v2${list}?${filter}`);
  });

  await t.test("about silences, and what they mute", async () => {
    const matchers = [
      { name: "alertname", value: "A.*", isRegex: true },
      { name: "severity", value: "x", isRegex: false, isEqual: false },
    ];
    const make = (more) =>
      both("/api/v2/silences", {
        method: "POST",
        body: silence({ matchers, startsAt, annotations: { k: "v" }, ...more }),
      });
    const made = await make({});
    const id = made.map(({ body }) => JSON.parse(body).silenceID);
    const at = async (path, options) => {
      const answers = await Promise.all(
        [theirs, ours].map(({ program }, i) => program.call(`/api/v2/silence/${id[i]}${path}`, options)),
      );
      assert.equal(shown(answers[1]), shown(answers[0]));
    };
    await settle();
    await at("");
    for (const list of LISTS)
      for (const filter of ["", "silenced=false", "active=false"]) await both(`/api/v2${list}?${filter}`);
    for (const filter of ["", "filter=alertname%3DA", "filter=severity%3Dx", "filter=alertname%3D~%22A.*%22"])
      await both(`/api/v2/silences?${filter}`);
    for (const more of [{ comment: "other" }, { endsAt: "2092-01-01T00:00:00Z" }, { matchers: [matchers[0]] }]) {
      const changed = await Promise.all(
        [theirs, ours].map(async ({ program }, i) => {
          const answer = await program.call("/api/v2/silences", {
            method: "POST",
            body: silence({ matchers, startsAt, id: id[i], ...more }),
          });
          return { status: answer.status, isSame: JSON.parse(answer.body).silenceID === id[i] };
        }),
      );
      assert.deepEqual(changed[1], changed[0]);
      await at("");
    }
    await at("", { method: "DELETE" });
    await at("");
    await at("", { method: "DELETE" });
    await both("/api/v2/silences");
  });

  await t.test("with the same metrics", async () => {
    const names = async ({ program }) => {
      const { body } = await program.call("/metrics");
      const lines = body
        .split("\n")
        .filter((line) => line.startsWith("# TYPE alertmanager_") || line.startsWith("# HELP alertmanager_"));
      const series = body
        .split("\n")
        .filter((line) => /^alertmanager_(notif|silences|alerts|nflog|http_c)/.test(line) && !line.includes("le="));
      return [...lines, ...series.map((line) => line.replace(/ [^ ]+$/, ""))].sort();
    };
    const [expected, actual] = [await names(theirs), new Set(await names(ours))];
    assert.deepEqual(
      expected.filter((line) => !actual.has(line)),
      [],
    );
    const value = async ({ program }, name) =>
      (await program.call("/metrics")).body.split("\n").find((line) => line.startsWith(`${name} `));
    writeFileSync(theirs.program.configFile, readFileSync(ours.program.configFile));
    await theirs.program.call("/-/reload", { method: "POST" });
    for (const name of ["config_hash", "receivers", "integrations", "inhibition_rules"])
      assert.equal(await value(ours, `alertmanager_${name}`), await value(theirs, `alertmanager_${name}`));
  });
});

test("alertmanager: limits on silences and alerts answer as the reference's", {
  skip: reference.missing,
}, async (t) => {
  const flags = [
    "--silences.max-silences=1",
    "--silences.max-silence-size-bytes=200",
    "--alerts.per-alertname-limit=1",
  ];
  const runs = [await start(t, reference.command, flags), await start(t, undefined, flags)];
  const both = async (path, options) => {
    const answers = await Promise.all(runs.map(({ program }) => program.call(path, options)));
    // Its size depends on the nanosecond at which it was made, by two bytes for each of its three times.
    const [expected, actual] = answers.map((answer) => shown(answer).replace(/size: 39\d bytes/, "size: 39x bytes"));
    assert.equal(actual, expected);
  };
  await both("/api/v2/silences", { method: "POST", body: silence({ comment: "x".repeat(300) }) });
  await both("/api/v2/silences", { method: "POST", body: silence({}) });
  await both("/api/v2/silences", { method: "POST", body: silence({}) });
  const startsAt = new Date().toISOString();
  const alerts = ["a", "b"].map((i) => ({ labels: { alertname: "A", i }, startsAt }));
  await both("/api/v2/alerts", { method: "POST", body: alerts });
  await both("/api/v2/alerts");
});

test("alertmanager: state is carried over from the reference, and back", { skip: reference.missing }, async (t) => {
  const folder = scratch(t);
  const catcher = await Catcher.start(t);
  const run = (command) => Alertmanager.start(t, { config: config(catcher.port), command, folder });
  const matchers = [
    { name: "alertname", value: "x|y", isRegex: true },
    { name: "b", value: "", isRegex: false, isEqual: false },
  ];
  const listed = async (program) => (await program.call("/api/v2/silences")).body;
  const startsAt = new Date().toISOString();
  const told = { labels: { alertname: "Told" }, startsAt };

  const first = await run(reference.command);
  await first.api("/silences", { method: "POST", body: silence({ matchers, startsAt, annotations: { k: "v" } }) });
  await first.api("/alerts", { method: "POST", body: [told] });
  await catcher.until("/default", 1);
  const before = await listed(first);
  await sleep(200);
  await first.kill("SIGTERM");

  const second = await run();
  assert.equal(await listed(second), before);
  await second.api("/silences", { method: "POST", body: silence({ comment: "ours" }) });
  await second.api("/alerts", { method: "POST", body: [told, { labels: { alertname: "New" }, startsAt }] });
  await catcher.until("/default", 2);
  await sleep(2500);
  assert.deepEqual(
    catcher.of("/default").map(({ body }) => JSON.parse(body).groupLabels.alertname),
    ["Told", "New"],
    "what the reference has told is not told again",
  );
  const after = await listed(second);
  await second.kill("SIGTERM");

  const third = await run(reference.command);
  const sorted = (text) => JSON.parse(text).sort((a, b) => (a.id < b.id ? -1 : 1));
  assert.deepEqual(sorted(await listed(third)), sorted(after));
  await third.api("/alerts", { method: "POST", body: [told, { labels: { alertname: "New" }, startsAt }] });
  await sleep(2500);
  assert.equal(catcher.of("/default").length, 2, "and what we have told is not told again by it");
  assert.ok(readFileSync(join(folder, "data/nflog")).length > 0);
});
