// Rules in the whole program: from a target that goes away to what an Alertmanager hears, over a restart, and answer by answer
// beside the reference.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Peer, withoutPeer } from "../lib/peer.mjs";
import { Program, runToEnd, scratch } from "../lib/program.mjs";

const PROMTOOL = join(process.env.PEERS_DIR ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin/promtool");

/** An Alertmanager that keeps what it hears. */
async function startManager(t) {
  const heard = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => (body += text));
    request.on("end", () => {
      heard.push(...JSON.parse(body).map((alert) => ({ ...alert, at: Date.now() })));
      response.end();
    });
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { address: `127.0.0.1:${server.address().port}`, heard };
}

async function until(holds, what, withinMs = 20_000) {
  for (const end = Date.now() + withinMs; Date.now() < end; await sleep(50)) {
    const found = await holds();
    if (found) return found;
  }
  throw new Error(`${what} did not come`);
}

test("rules: a target that dies is told as pending, firing and resolved, in this order, and the state survives a restart", async (t) => {
  const folder = scratch(t);
  const manager = await startManager(t);
  let up = true;
  const target = createServer((_, response) => {
    if (up) response.setHeader("content-type", "text/plain; version=0.0.4").end("x 1\n");
    else response.destroy();
  });
  await new Promise((done) => target.listen(0, "127.0.0.1", done));
  t.after(() => {
    target.closeAllConnections();
    target.close();
  });
  const rules = join(folder, "rules.yml");
  writeFileSync(
    rules,
    `groups:
- name: g
  interval: 500ms
  rules:
  - alert: Down
    expr: up == 0
    for: 2s
    labels: {severity: page}
    annotations: {summary: "{{ $labels.job }} has {{ with query \\"count(up)\\" }}{{ . | first | value }}{{ end }} target"}
`,
  );
  const config = `global: {scrape_interval: 500ms, external_labels: {cluster: c}}
rule_files: [${rules}]
alerting: {alertmanagers: [{static_configs: [{targets: ["${manager.address}"]}]}]}
scrape_configs:
- job_name: j
  static_configs: [{targets: ["127.0.0.1:${target.address().port}"]}]
`;
  const flags = ["--rules.alert.resend-delay=1s", "--rules.alert.for-grace-period=0s"];
  const program = await Program.start(t, { config, folder, flags });
  await program.until("up", ([first]) => first?.value[1] === "1");
  await until(async () => (await program.api("/rules")).groups[0].rules[0].state === "inactive", "the first round");
  assert.deepEqual(manager.heard, []);

  up = false;
  const pending = await until(async () => (await program.api("/alerts")).alerts[0], "the alert");
  assert.equal(pending.state, "pending");
  assert.deepEqual(pending.annotations, { summary: "j has 1 target" });
  assert.deepEqual(manager.heard, []);
  const [firing] = await until(() => manager.heard.length > 0 && manager.heard, "the notification");
  const labels = { alertname: "Down", instance: `127.0.0.1:${target.address().port}`, job: "j", severity: "page" };
  assert.deepEqual(firing.labels, { ...labels, cluster: "c" });
  assert.ok(Date.parse(firing.startsAt) - Date.parse(pending.activeAt) >= 2000);
  assert.ok(Date.parse(firing.endsAt) > firing.at);
  await program.until('ALERTS{alertstate="firing"}', (found) => found.length === 1);

  // Killed and started again: what was active stays so since then.
  await program.kill();
  program.launch();
  await program.ready();
  const restored = await until(async () => {
    const [alert] = (await program.api("/alerts")).alerts;
    return alert?.activeAt.slice(0, 19) === pending.activeAt.slice(0, 19) && alert.state === "firing";
  }, "the restored alert");
  assert.ok(restored);

  up = true;
  const isResolved = (alert) => Date.parse(alert.endsAt) <= alert.at;
  await until(() => manager.heard.some(isResolved), "the resolution");
  const firstEnd = manager.heard.findIndex(isResolved);
  assert.ok(manager.heard.slice(firstEnd).every(isResolved), "nothing fires behind the resolution");
  await program.until("ALERTS", (found) => found.length === 0);

  // The history tells all of it, over the kill; the reference's files are where they belong, and ours beside them.
  const { transitions } = await program.api("/alerts/history", { "match[]": '{alertname="Down"}' });
  const steps = transitions.toReversed().map(({ state }) => state);
  assert.deepEqual(steps.slice(0, 2), ["pending", "firing"]);
  assert.equal(steps.at(-1), "resolved");
  assert.equal(transitions.at(-1).value, "0e+00");
  assert.deepEqual(transitions.at(-1).labels, labels);
  assert.equal((await program.api("/alerts/history", { state: "resolved", limit: 1 })).transitions.length, 1);
  assert.deepEqual(readdirSync(join(program.dataFolder, "narthex-alert-history")), ["00000001.log"]);

  // What the rule would have done is what it did, up to a round.
  const start = Date.parse(pending.activeAt) / 1000 - 1;
  const form = new URLSearchParams({ alert: "Down", start: String(start), step: "0.5" });
  const answer = await fetch(`${program.url}/api/v1/rules/backtest`, { method: "POST", body: form });
  const { data } = await answer.json();
  assert.equal(answer.status, 200);
  assert.deepEqual(data.totals.alerts, 1);
  const [wouldFire] = data.firings;
  assert.deepEqual(wouldFire.labels, labels);
  assert.equal(wouldFire.annotations.summary, "j has 1 target");
  assert.ok(Math.abs(Date.parse(wouldFire.firedAt) - Date.parse(firing.startsAt)) <= 1500, wouldFire.firedAt);
  const told = await runToEnd(["tool", "backtest", `--start=${start}`, "--step=500ms", program.url, rules]);
  assert.equal(told.code, 0, told.stderr);
  assert.match(told.stdout, /^Down \(up == 0, for 2s\)\n {2}fired [12] times, 1 different alerts, /);
  const refused = await fetch(`${program.url}/api/v1/rules/backtest`, {
    method: "POST",
    body: "alert=Nope&start=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  assert.equal(refused.status, 404);
});

test("rules: a recording rule is computed for the past once, whoever asks again; only operators may ask", {
  skip: withoutPeer,
}, async (t) => {
  const folder = scratch(t);
  const rules = join(folder, "rules.yml");
  writeFileSync(rules, "groups: [{name: g, interval: 60s, rules: [{record: 'x:double', expr: 'x * 2'}]}]");
  // Six hours of the past, half a day ago, as a block of the reference's own tool's kind would be: from OpenMetrics.
  const begin = Math.floor(Date.now() / 7_200_000) * 7200 - 12 * 3600;
  const lines = Array.from({ length: 360 }, (_, i) => `x ${i} ${begin + 60 * i}`);
  writeFileSync(join(folder, "x.om"), `# TYPE x gauge\n${lines.join("\n")}\n# EOF\n`);
  execFileSync(PROMTOOL, ["tsdb", "create-blocks-from", "openmetrics", join(folder, "x.om"), join(folder, "data")]);
  const config = `rule_files: [${rules}]\n`;
  const program = await Program.start(t, { config, folder, flags: ["--web.enable-admin-api"] });
  const order = async () => {
    const body = new URLSearchParams({ record: "x:double", start: String(begin) });
    const { data } = await (await fetch(`${program.url}/api/v1/rules/backfill`, { method: "POST", body })).json();
    return until(async () => {
      const job = (await program.api("/rules/backfill")).jobs.find(({ id }) => id === data.job.id);
      return job.state === "done" ? job : undefined;
    }, "the end of the job");
  };
  const first = await order();
  // The last sample is seen for almost five minutes more.
  assert.deepEqual([first.samples, first.blocks, first.skipped, first.progress], [364, 4, 0, 1]);
  const [{ values }] = await program.query("x:double[14h]");
  assert.equal(values.length, 364);
  assert.ok(values.slice(0, 360).every(([at, value]) => Number(value) === 2 * Math.floor((at - begin) / 60)));
  const again = await order();
  assert.deepEqual([again.samples, again.blocks, again.skipped], [0, 0, 364]);
  await program.kill("SIGTERM");
  program.launch();
  await program.ready();
  assert.equal((await program.query("x:double[14h]"))[0].values.length, 364);
  await program.kill("SIGTERM");
  program.flags = [];
  program.launch();
  await program.ready();
  // From another machine, as a proxy says.
  const headers = { "x-forwarded-for": "192.0.2.1" };
  assert.equal((await fetch(`${program.url}/api/v1/rules/backfill`, { headers })).status, 403);
});

const fixtures = resolve(import.meta.dirname, "../../../shared/conformance/data/rules/fixtures");
const withoutFixtures = existsSync(fixtures)
  ? withoutPeer
  : "the reference's rule files are not beside this repository";

/** What no two servers have in common: when and how long. */
function timeless(value) {
  if (Array.isArray(value)) return value.map(timeless);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key]) => !/^(lastEvaluation|evaluationTime|activeAt|keepFiringSince)$/.test(key),
  );
  return Object.fromEntries(kept.map(([key, item]) => [key, timeless(item)]));
}

test("rules: /rules and /alerts answer as the reference does, with all its fixtures loaded", {
  skip: withoutFixtures,
}, async (t) => {
  const own = join(scratch(t), "own.yml");
  writeFileSync(
    own,
    `groups:
- name: own
  interval: 500ms
  labels: {team: a}
  rules:
  - {alert: Fires, expr: 'vector(1.5) > 0', labels: {severity: page}, annotations: {summary: 'is {{ $value }}'}}
  - {alert: Waits, expr: 'vector(-1e9) < 0', for: 1h, keep_firing_for: 5m}
  - {alert: Never, expr: 'vector(1) > 2', labels: {severity: low}}
  - {alert: Broken, expr: 'label_replace(vector(1), "a", "1", "", "") + on() group_left() (vector(1) or label_replace(vector(2), "b", "1", "", ""))'}
  - {record: 'own:one', expr: 'vector(1)', labels: {severity: page}}
  - {record: 'own:plain', expr: '1 + 1'}
- {name: empty, rules: []}
- {name: limited, interval: 500ms, limit: 1, rules: [{record: many, expr: 'vector(1) or label_replace(vector(2), "b", "1", "", "")'}]}
`,
  );
  const files = readdirSync(fixtures).filter((name) => name.endsWith(".yaml") && name !== "invalid_rules.yaml");
  const config = `global: {evaluation_interval: 500ms}\nrule_files: [${own}, ${files.map((name) => join(fixtures, name)).join(", ")}]\n`;
  const [ours, theirs] = await Promise.all([Program.start(t, { config }), Peer.start(t, { config })]);
  const evaluated = async (program) =>
    (await program.api("/rules")).groups.every(({ rules }) => rules.every(({ health }) => health !== "unknown"));
  await until(async () => (await evaluated(ours)) && (await evaluated(theirs)), "the first rounds");
  await sleep(1500);

  const queries = [
    "",
    ...["alert", "record", "ALERT", "x"].map((type) => `type=${type}`),
    "rule_name[]=Fires&rule_name[]=own:one",
    "rule_name[]=nope",
    "rule_group[]=own&rule_group[]=test",
    `file[]=${encodeURIComponent(own)}`,
    `file[]=nope&file[]=${encodeURIComponent(join(fixtures, "rules.yaml"))}&type=record`,
    ...['{severity="page"}', '{severity=~".+"}', '{team="a",severity!="page"}', "{", "up", '{severity=""}'].map(
      (selector) => `match[]=${encodeURIComponent(selector)}`,
    ),
    "match[]=%7Bseverity%3D%22page%22%7D&match[]=%7Bseverity%3D%22low%22%7D",
    "match[]=%7B&type=x",
    ...["true", "false", "1", "x", ""].map((word) => `exclude_alerts=${word}`),
    ...["1", "2", "100", "0", "-1", "x", "1.5", ""].map((limit) => `group_limit=${limit}`),
    "group_limit=1&group_next_token=x",
    "group_next_token=x",
    "group_limit=1&rule_group[]=own",
    "type=record&group_limit=2",
  ];
  const answer = async (program, path) => {
    const response = await fetch(`${program.url}/api/v1${path}`);
    return { status: response.status, body: timeless(await response.json()) };
  };
  // Rounds write the same series as one another: where one is late, its rule fares otherwise until the next.
  const same = async (path) => {
    let [mine, other] = await Promise.all([answer(ours, path), answer(theirs, path)]);
    for (let tries = 0; tries < 10 && !isDeepStrictEqual(mine, other); tries++) {
      await sleep(400);
      [mine, other] = await Promise.all([answer(ours, path), answer(theirs, path)]);
    }
    assert.deepEqual(mine, other, path);
    return mine.body;
  };
  for (const query of queries) await same(`/rules?${query}`);
  // All pages, one after the other.
  let pages = 0;
  for (let token = ""; ; pages++) {
    const { data } = await same(`/rules?group_limit=3${token === "" ? "" : `&group_next_token=${token}`}`);
    if (data.groupNextToken === undefined) break;
    token = data.groupNextToken;
  }
  assert.ok(pages >= 3);
  const sorted = ({ status, body }) => ({
    status,
    alerts: body.data.alerts.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  });
  assert.deepEqual(sorted(await answer(ours, "/alerts")), sorted(await answer(theirs, "/alerts")));
  // Both evaluate a group in the same slots, to the millisecond.
  const phase = async (program) => {
    const [{ value }] = await program.query("timestamp(own:one)");
    return Math.round(Number(value[1]) * 1000) % 500;
  };
  assert.equal(await phase(ours), await phase(theirs));
  // What both count under the same names.
  const names = async (program) => {
    const text = await (await fetch(`${program.url}/metrics`)).text();
    return [...new Set(text.match(/^prometheus_(rule_[a-z_]+|template_text_[a-z_]+)/gm))].sort();
  };
  const have = await names(ours);
  assert.deepEqual(
    (await names(theirs)).filter((name) => !have.includes(name)),
    [],
  );
});
