// Our Alertmanager as a whole: what outlives a kill, reloading, who may ask, how fast it answers, and what the reference has not.
import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Alertmanager, Catcher, eventually } from "../lib/alertmanager.mjs";
import { runToEnd, scratch } from "../lib/program.mjs";

const config = (port, more = "") => `
route: {receiver: a, group_by: [alertname], group_wait: 200ms, group_interval: 500ms, repeat_interval: 1h${more}}
receivers:
- name: a
  webhook_configs: [{url: "http://127.0.0.1:${port}/a"}]
- name: b
  webhook_configs: [{url: "http://127.0.0.1:${port}/b"}]
inhibit_rules: [{name: down, source_matchers: [alertname=Down], target_matchers: [alertname=Slow], equal: [job]}]
time_intervals: [{name: always, time_intervals: [{}]}]
`;
const HASH = "$2b$04$1LWH6ZbYH5N1ny0U.gnmt.bn.szcrAyK9pmlQZ5oh33wwlIgb483y";
const POST = (body) => ({ method: "POST", body });
const silence = (value) => ({
  matchers: [{ name: "i", value, isRegex: false }],
  comment: "c",
  createdBy: "x",
  startsAt: new Date().toISOString(),
  endsAt: "2090-01-01T00:00:00Z",
});
const now = () => new Date().toISOString();

test("alertmanager: a silence that was acknowledged outlives kill -9, and so does the log", async (t) => {
  const catcher = await Catcher.start(t);
  const program = await Alertmanager.start(t, { config: config(catcher.port) });
  const startsAt = now();
  await program.api("/alerts", POST([{ labels: { alertname: "Told" }, startsAt }]));
  await catcher.until("/a", 1);
  const wanted = [];
  let isDead = false;
  const posting = Array.from({ length: 4 }, async (_, k) => {
    for (let i = 0; !isDead; i++) {
      const posted = await program.api("/silences", POST(silence(`${k}-${i}`))).catch(() => undefined);
      if (posted !== undefined) wanted.push(posted.silenceID);
    }
  });
  await sleep(400);
  await program.kill("SIGKILL");
  isDead = true;
  await Promise.all(posting);
  program.launch();
  await program.ready();
  const found = new Set((await program.api("/silences")).map(({ id }) => id));
  assert.ok(wanted.length > 5, `${wanted.length}`);
  assert.deepEqual(
    wanted.filter((id) => !found.has(id)),
    [],
  );
  await program.api("/alerts", POST([{ labels: { alertname: "Told" }, startsAt }]));
  await sleep(800);
  assert.equal(catcher.of("/a").length, 1, "not told again");
});

test("alertmanager: a configuration that is broken changes nothing, on a signal or on request", async (t) => {
  const catcher = await Catcher.start(t);
  const program = await Alertmanager.start(t, { config: config(catcher.port) });
  writeFileSync(program.configFile, "route: {receiver: nobody}\nreceivers: [{name: a}]\n");
  const refused = await program.call("/-/reload", { method: "POST" });
  assert.equal(refused.status, 500);
  assert.match(refused.body, /^failed to reload config: .*undefined receiver "nobody" used in route\n$/);
  program.child.kill("SIGHUP");
  const metric = async () => (await program.call("/metrics")).body;
  assert.match(await metric(), /^alertmanager_config_last_reload_successful 0$/m);
  await program.api("/alerts", POST([{ labels: { alertname: "A" }, startsAt: now() }]));
  await catcher.until("/a", 1);
  writeFileSync(program.configFile, config(catcher.port).replace("receiver: a", "receiver: b"));
  program.child.kill("SIGHUP");
  await catcher.until("/b", 1);
  assert.match(await metric(), /^alertmanager_config_last_reload_successful 1$/m);
  assert.equal((await program.kill("SIGTERM")).code, 0);
});

test("alertmanager: what cannot be started says why, and ends with code 1", async (t) => {
  const folder = scratch(t);
  const file = join(folder, "a.yml");
  writeFileSync(file, "route: {}\n");
  const { code, stderr } = await runToEnd(["alertmanager", `--config.file=${file}`, `--storage.path=${folder}`]);
  assert.equal(code, 1);
  assert.match(stderr, /root route must specify a default receiver/);
  const flag = await runToEnd(["alertmanager", "--enable-feature=nope"]);
  assert.equal(flag.code, 1);
  assert.match(flag.stderr, /unknown option 'nope' for --enable-feature/);
  const help = await runToEnd(["alertmanager", "--help"]);
  assert.equal(help.code, 0);
  assert.match(help.stdout + help.stderr, /--dispatch\.start-delay/);
});

test("alertmanager: the web configuration asks for a password", async (t) => {
  const folder = scratch(t);
  const web = join(folder, "web.yml");
  writeFileSync(web, "basic_auth_users: {}\n");
  const program = await Alertmanager.start(t, { config: config(1), flags: [`--web.config.file=${web}`] });
  // Of "secret", with few rounds: it need not be slow here.
  writeFileSync(web, `basic_auth_users: {me: "${HASH}"}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n`);
  const without = await program.call("/api/v2/status");
  assert.equal(without.status, 401);
  const ask = (password) =>
    program.call("/api/v2/status", {
      headers: { Authorization: `Basic ${Buffer.from(`me:${password}`).toString("base64")}` },
    });
  assert.equal((await ask("wrong")).status, 401);
  assert.equal((await ask("secret")).status, 200);
});

test("alertmanager: answers about ten thousand alerts take little of the processor", async (t) => {
  const program = await Alertmanager.start(t, { config: config(1).replace("group_wait: 200ms", "group_wait: 1h") });
  const startsAt = now();
  await Promise.all(Array.from({ length: 1000 }, (_, i) => program.api("/silences", POST(silence(`${i}`)))));
  for (let i = 0; i < 20; i++)
    await program.api(
      "/alerts",
      POST(
        Array.from({ length: 500 }, (_, k) => ({
          labels: { alertname: `A${k % 100}`, i: `${i * 500 + k}` },
          startsAt,
        })),
      ),
    );
  const seconds = async () =>
    Number(/^process_cpu_seconds_total (.*)$/m.exec((await program.call("/metrics")).body)[1]);
  for (const path of ["/alerts", "/alerts/groups", "/silences"]) {
    for (let i = 0; i < 10; i++) await program.call(`/api/v2${path}`);
    const before = await seconds();
    for (let i = 0; i < 10; i++) assert.equal((await program.call(`/api/v2${path}`)).status, 200);
    const each = ((await seconds()) - before) / 10;
    t.diagnostic(`${path}: ${(each * 1000).toFixed(0)} ms of processor time`);
    assert.ok(each < 0.1, `${path} took ${each} s of processor time`);
  }
});

test("alertmanager: an overview counts all alerts and shows the first, as they are routed, by labels, or in one list", async (t) => {
  const grouped = config(1).replace("group_by: [alertname], group_wait: 200ms", "group_by: [job], group_wait: 1h");
  const program = await Alertmanager.start(t, { config: grouped });
  const alerts = Array.from({ length: 30 }, (_, i) => ({
    labels: { alertname: `A${i % 3}`, job: `j${i % 2}`, i: `${i}` },
    startsAt: new Date(Date.now() - i * 1000).toISOString(),
  }));
  await program.api("/alerts", POST(alerts));
  await program.api("/silences", POST(silence("4")));
  const overview = (query) => program.api(`/narthex/alerts/overview?${query}`);
  const shown = ({ groups }) =>
    groups.map(({ labels, receiver, count, alerts }) => [
      labels,
      receiver.name,
      count,
      alerts.map(({ labels }) => Number(labels.i)),
    ]);
  const whole = await overview("limit=1000");
  assert.deepEqual(whole.counts, { active: 29, silenced: 1 });
  // The same alerts as the API of the reference has, in another order.
  const byI = (a, b) => a.labels.i - b.labels.i;
  assert.deepEqual(
    whole.groups.map(({ labels, receiver, alerts }) => ({ labels, receiver, alerts: [...alerts].sort(byI) })),
    (await program.api("/alerts/groups")).map(({ labels, receiver, alerts }) => ({
      labels,
      receiver,
      alerts: alerts.sort(byI),
    })),
  );
  assert.deepEqual(shown(await overview("limit=17")), [
    [{ job: "j0" }, "a", 15, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28]],
    [{ job: "j1" }, "a", 15, [1, 3]],
  ]);
  assert.deepEqual(shown(await overview("by=none&limit=3&silenced=false")), [[{}, "", 29, [0, 1, 2]]]);
  assert.deepEqual(shown(await overview("by=alertname,nothing&limit=12")), [
    [{ alertname: "A0" }, "", 10, [0, 3, 6, 9, 12, 15, 18, 21, 24, 27]],
    [{ alertname: "A1" }, "", 10, [1, 4]],
  ]);
  assert.deepEqual(await overview("filter=i=nope"), { counts: {}, groupCount: 0, groups: [] });
  for (const wrong of ["limit=0", "limit=1001", "limit=x", "filter=%7B"])
    assert.equal((await program.call(`/api/v2/narthex/alerts/overview?${wrong}`)).status, 400, wrong);
});

test("alertmanager: why somebody is told, or is not", async (t) => {
  const catcher = await Catcher.start(t, ({ url }) => (url === "/b" ? { status: 400, body: "no" } : {}));
  const more = `, routes: [{matchers: [team=night], receiver: a, mute_time_intervals: [always]}, {matchers: [team=b], receiver: b}]`;
  const program = await Alertmanager.start(t, { config: config(catcher.port, more) });
  const own = (path, options) => program.api(`/narthex${path}`, options);
  const startsAt = now();
  const alerts = [
    { labels: { alertname: "Down", job: "x" }, startsAt },
    { labels: { alertname: "Slow", job: "x" }, startsAt },
    { labels: { alertname: "Late", team: "night" }, startsAt },
    { labels: { alertname: "Broken", team: "b" }, startsAt },
    { labels: { alertname: "Quiet", i: "1" }, startsAt },
  ];
  await program.api("/silences", POST(silence("1")));
  await program.api("/alerts", POST(alerts));
  await catcher.until("/a", 1);
  await catcher.until("/b", 1);
  const fingerprints = new Map(
    (await program.api("/alerts")).map(({ labels, fingerprint }) => [labels.alertname, fingerprint]),
  );
  const why = async (name) => own(`/alerts/${fingerprints.get(name)}/why`);
  const obstacle = async (name) => (await why(name)).routes.map((route) => route.obstacle);
  assert.deepEqual(await obstacle("Down"), [undefined]);
  assert.deepEqual(await obstacle("Slow"), ["inhibited"]);
  assert.deepEqual(await obstacle("Late"), ["muted_by_time"]);
  assert.deepEqual(await obstacle("Quiet"), ["silenced"]);
  const slow = await why("Slow");
  assert.deepEqual([slow.inhibition.ruleName, slow.inhibition.sourceLabels.alertname], ["down", "Down"]);
  const down = (await why("Down")).routes[0];
  assert.equal(down.groupKey, '{}:{alertname="Down"}');
  assert.equal(down.integrations[0].lastRecord.outcome, "sent");
  assert.ok(Date.parse(down.integrations[0].repeatsAfter) > Date.now() + 3_500_000);

  const [failed] = await own("/notifications?outcome=failed&receiver=b");
  assert.match(failed.error, /unexpected status code 400/);
  assert.deepEqual(failed.alerts, [fingerprints.get("Broken")]);

  const routes = (labels) => own("/routes/test", POST({ labels }));
  assert.deepEqual(
    (await routes({ team: "b" })).routes.map(({ receiver, path }) => [receiver, path]),
    [["b", ["{}", '{team="b"}']]],
  );
  assert.equal((await program.call("/api/v2/narthex/routes/test", POST({ labels: { a: 5 } }))).status, 400);
  assert.equal((await program.call("/api/v2/narthex/nope")).status, 404);

  const { silenceID } = await own(`/alerts/${fingerprints.get("Down")}/acknowledge`, POST({ by: "me", note: "on it" }));
  assert.deepEqual(await obstacle("Down"), ["acknowledged"]);
  assert.equal((await program.api(`/silence/${silenceID}`)).createdBy, "me");
  assert.equal(
    (await program.call(`/api/v2/narthex/alerts/${fingerprints.get("Down")}/acknowledge`, POST({ by: "me" }))).status,
    400,
  );
  // It ended past what a date can be: from then on no list of silences could be written.
  const forever = { by: "me", note: "on it", seconds: 1e13 };
  assert.equal(
    (await program.call(`/api/v2/narthex/alerts/${fingerprints.get("Down")}/acknowledge`, POST(forever))).status,
    400,
  );
  assert.equal((await program.api("/silences")).length, 2);
});

test("alertmanager: templates and receivers can be tried out", async (t) => {
  const catcher = await Catcher.start(t, ({ url }) => (url === "/b" ? { status: 503 } : {}));
  const program = await Alertmanager.start(t, {
    config: config(catcher.port, ", routes: [{matchers: [x=y], receiver: b}]"),
  });
  const own = (path, options) => program.api(`/narthex${path}`, options);
  const preview = (body) => own("/templates/preview", POST(body));
  assert.deepEqual(await preview({ template: "{{ .CommonLabels.a }} {{ .Status }}", labels: { a: "<b>" } }), {
    output: "<b> firing",
  });
  assert.deepEqual(await preview({ template: "{{ .CommonLabels.a }}", labels: { a: "<b>" }, html: true }), {
    output: "&lt;b&gt;",
  });
  assert.match((await preview({ template: "{{ .Nope }}" })).error, /Nope/);
  const sent = await own("/receivers/a/test", POST({ labels: { alertname: "T" } }));
  assert.equal(sent.integrations[0].outcome, "sent");
  assert.equal(JSON.parse(catcher.of("/a")[0].body).alerts[0].labels.alertname, "T");
  const failed = await own("/receivers/b/test", POST({}));
  assert.match(failed.integrations[0].error, /503/);
  assert.equal((await program.call("/api/v2/narthex/receivers/nobody/test", POST({}))).status, 404);
  assert.deepEqual(await program.api("/alerts"), []);
});

// Their requests were not looked at as those of the reference's API are: the form of any page could send them for whoever saw it.
test("alertmanager: a page of somebody else's cannot act by a form", async (t) => {
  const catcher = await Catcher.start(t);
  const program = await Alertmanager.start(t, { config: config(catcher.port) });
  for (const path of ["/receivers/a/test", "/recurring-silences", "/why", "/alerts/0123456789abcdef/acknowledge"])
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
      const sent = await program.call(`/api/v2/narthex${path}`, { ...POST("{}"), headers: { "Content-Type": type } });
      assert.equal(sent.status, 415, `${path} took ${type}`);
    }
  assert.equal(catcher.of("/a").length, 0);
});

// Names of handlers were made of the path: whoever asked for ten thousand paths left ten thousand histograms behind.
test("alertmanager: paths that are asked for from outside make no series of their own", async (t) => {
  const program = await Alertmanager.start(t, { config: config(1) });
  for (const path of [
    "nope",
    "narthex/one",
    "narthex/two",
    "narthex/alerts/x/y",
    "silence/x",
    "silence/y",
    "narthex/routes",
  ])
    await program.call(`/api/v2/${path}`);
  const metrics = (await program.call("/metrics")).body;
  const counts = [
    ...metrics.matchAll(/^alertmanager_http_request_duration_seconds_count\{.*handler="(\/api.*?)".* (\d+)$/gm),
  ];
  assert.deepEqual(counts.map(([, handler, count]) => `${handler} ${count}`).sort(), [
    "/api/v2/ 4",
    "/api/v2/narthex/routes 1",
    "/api/v2/silence/{silenceID} 2",
  ]);
});

test("alertmanager: recurring silences make silences while their time is, and outlive the process", async (t) => {
  const program = await Alertmanager.start(t, { config: config(1) });
  const own = (path, options) => program.api(`/narthex${path}`, options);
  const wanted = {
    matchers: 'job="x"',
    timeIntervals: [{ weekdays: ["sunday:saturday"] }],
    createdBy: "me",
    comment: "patch day",
  };
  const { id } = await own("/recurring-silences", POST(wanted));
  const [made] = await program.api("/silences");
  assert.deepEqual([made.comment, made.annotations.narthex_recurring, made.status.state], ["patch day", id, "active"]);
  const year = new Date().getUTCFullYear() + 2;
  await own("/recurring-silences", POST({ ...wanted, timeIntervals: [{ years: [String(year)] }] }));
  for (const wrong of [
    { timeIntervals: [{ weekdays: ["noday"] }] },
    { timeIntervals: [] },
    { matchers: "" },
    { matchers: "{" },
  ])
    assert.equal((await program.call("/api/v2/narthex/recurring-silences", POST({ ...wanted, ...wrong }))).status, 400);
  await program.kill("SIGKILL");
  program.launch();
  await program.ready();
  assert.equal((await own("/recurring-silences")).length, 2);
  assert.equal((await program.api("/silences")).length, 1);
  await own(`/recurring-silences/${id}`, { method: "DELETE" });
  await eventually(async () => (await program.api("/silences"))[0].status.state === "expired");
});

test("alertmanager: events go to all outputs, through rotation and reload, up to the last one", async (t) => {
  let hasFailed = false;
  const catcher = await Catcher.start(t, ({ url, body }) => {
    if (hasFailed || !url.startsWith("/events") || !body.includes("alertmanagerShutdownEvent")) return {};
    hasFailed = true;
    return { status: 503 };
  });
  const recorder = (more = "") => `
event_recorder:
  file_outputs: [{path: events.jsonl}, {path: no/such/folder/events.jsonl}]
  stdout_outputs: [{}]
  kafka_outputs: [{brokers: ["127.0.0.1:1"], topic: events}]
  webhook_outputs: [{url: "http://127.0.0.1:${catcher.port}/events?token=secret"${more}}]
`;
  const flags = ["--enable-feature=event-recorder"];
  const program = await Alertmanager.start(t, { config: config(catcher.port) + recorder(), flags });
  await eventually(() => program.log.includes("kafka_outputs of event_recorder are not supported"));
  const file = join(program.folder, "events.jsonl");
  const typesOf = (events) => events.map(({ data }) => Object.keys(data)[0]);
  const eventsIn = (lines) =>
    lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const post = (alerts) => program.api("/alerts", POST(alerts.map((labels) => ({ labels, startsAt: now() }))));
  await post([
    { alertname: "Down", job: "j" },
    { alertname: "Slow", job: "j" },
  ]);
  const early = ["alertCreated", "alertGrouped", "notification", "inhibitionMutedAlert"];
  const has = (type) => existsSync(file) && readFileSync(file, "utf8").includes(`{"${type}":`);
  await eventually(() => early.every(has));
  renameSync(file, `${file}.1`);
  writeFileSync(program.configFile, config(catcher.port) + recorder(", batch: true"));
  assert.equal((await program.call("/-/reload", { method: "POST" })).status, 200);
  await program.api("/silences", POST(silence("1")));
  await eventually(() => has("silenceCreated"));
  const counted = [
    /^alertmanager_events_recorded_total\{event_type="silence_created",output="stdout",result="success"\} 1$/m,
    /^alertmanager_events_recorded_total\{event_type="silence_created",output="file:[^"]*folder[^"]*",result="error"\} 1$/m,
    /^alertmanager_event_output_drops_total\{output="webhook:http:\/\/127.0.0.1:\d+\/events"\} 0$/m,
  ];
  let metrics = "";
  await eventually(async () => {
    metrics = (await program.call("/metrics")).body;
    return counted.every((pattern) => pattern.test(metrics));
  });
  assert.ok(!(metrics + program.log + (await program.call("/api/v2/status")).body).includes("token=secret"));
  assert.equal((await program.kill("SIGTERM")).code, 0);
  await eventually(() => program.stdout.includes("alertmanagerShutdownEvent"));
  const before = eventsIn(readFileSync(`${file}.1`, "utf8"));
  const after = eventsIn(readFileSync(file, "utf8"));
  const printed = eventsIn(program.stdout);
  assert.deepEqual(printed, [...before, ...after]);
  const types = typesOf(printed);
  assert.equal(types[0], "alertmanagerStartupEvent");
  assert.equal(types.at(-1), "alertmanagerShutdownEvent");
  for (const type of early) assert.ok(typesOf(before).includes(type), type);
  const posted = catcher.of("/events").flatMap(({ body }) => JSON.parse(body));
  const written = (events) => [...new Set(events.map((event) => JSON.stringify(event)))].sort();
  assert.deepEqual(written(posted), written(printed));
  assert.equal(typesOf(posted).filter((type) => type === "alertmanagerShutdownEvent").length, 2, "it was tried again");
});

test("alertmanager: without its feature flag the event recorder records nothing, and says so", async (t) => {
  const block = "event_recorder: {file_outputs: [{path: events.jsonl}]}\n";
  const program = await Alertmanager.start(t, { config: config(1) + block });
  await eventually(() => program.log.includes("nothing is recorded without --enable-feature=event-recorder"));
  assert.ok(!existsSync(join(program.folder, "events.jsonl")));
  assert.doesNotMatch((await program.call("/metrics")).body, /alertmanager_event/);
});
