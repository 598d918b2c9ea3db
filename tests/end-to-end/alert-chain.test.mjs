// From a target that dies to a person who reads of it: server, Alertmanager, mail and webhook, and back when the target lives again.
// With the reference's server or Alertmanager in place of ours the same messages come.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { Alertmanager, Catcher, reference } from "../lib/alertmanager.mjs";
import { Peer, withoutPeer } from "../lib/peer.mjs";
import { Program, scratch } from "../lib/program.mjs";
import { makeCertificate, SmtpCatcher } from "../lib/smtp-catcher.mjs";

const RULES = `groups:
- name: chain
  interval: 500ms
  rules:
  - alert: TargetIsDown
    expr: up == 0
    for: 1s
    labels: {severity: page, value: "{{ $value }}"}
    annotations: {summary: "{{ $labels.instance }} of {{ $labels.job }} is down & <out>"}
`;

const serverConfig = (target, alertmanager, rules) => `
global: {scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms, external_labels: {cluster: test}}
rule_files: [${JSON.stringify(rules)}]
alerting: {alertmanagers: [{static_configs: [{targets: ["127.0.0.1:${alertmanager}"]}]}]}
scrape_configs:
- job_name: mortal
  static_configs: [{targets: ["127.0.0.1:${target}"], labels: {instance: "mortal:1"}}]
`;

const alertmanagerConfig = (hook, smtp, cert) => `
global: {smtp_smarthost: "localhost:${smtp}", smtp_from: narthex@test.example, smtp_require_tls: true, smtp_auth_username: u, smtp_auth_password: p}
route: {receiver: people, group_by: [alertname, job], group_wait: 200ms, group_interval: 1s, repeat_interval: 1h}
receivers:
- name: people
  webhook_configs: [{url: "http://127.0.0.1:${hook}/hook"}]
  email_configs: [{to: on-call@test.example, send_resolved: true, tls_config: {ca_file: ${JSON.stringify(cert)}, server_name: localhost}}]
`;

/** A target on a port that stays the same while it dies and lives again. */
async function mortal(t) {
  let server;
  let port = 0;
  const live = async () => {
    server = createServer((_, response) => response.setHeader("Content-Type", "text/plain").end("m 1\n"));
    await new Promise((done) => server.listen(port, "127.0.0.1", done));
    port = server.address().port;
  };
  const die = () =>
    new Promise((done) => {
      server.close(done);
      server.closeAllConnections();
    });
  await live();
  t.after(() => server.closeAllConnections() ?? server.close());
  return { port, live, die };
}

/** Runs the chain once; resolves with its messages, without what differs from run to run. */
async function chain(t, { Server = Program, command }) {
  const folder = scratch(t);
  const certificate = makeCertificate(folder);
  const [hook, smtp, target] = [await Catcher.start(t), await SmtpCatcher.start(t, certificate), await mortal(t)];
  const alertmanager = await Alertmanager.start(t, {
    config: alertmanagerConfig(hook.port, smtp.port, certificate.cert),
    ...(command === undefined ? {} : { command }),
  });
  const rules = join(folder, "rules.yml");
  writeFileSync(rules, RULES);
  const server = await Server.start(t, {
    config: serverConfig(target.port, alertmanager.port, rules),
    flags: ["--web.external-url=http://prom.example/p", "--web.route-prefix=/", "--rules.alert.resend-delay=1s"],
  });
  await server.until("up", ([first]) => first?.value[1] === "1");
  await target.die();
  await hook.until("/hook", 1);
  await smtp.until(1);
  await target.live();
  await hook.until("/hook", 2);
  await smtp.until(2);
  assert.ok(smtp.dialogues.every((said) => said.join(" ").startsWith("EHLO STARTTLS EHLO AUTH MAIL RCPT DATA")));
  await server.kill("SIGTERM");
  await alertmanager.kill("SIGTERM");
  return { webhooks: hook.of("/hook").map(webhookOf), mails: smtp.messages.map(mailOf) };
}

const TIME = /\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( ?(Z|[+-]\d\d:?\d\d( UTC)?))?/g;

function webhookOf({ body }) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  // Labels of routes are newer than the reference's release at hand.
  const { routeLabels, ...message } = JSON.parse(text.replace(TIME, "TIME"));
  assert.deepEqual(routeLabels ?? {}, {});
  return message;
}

function mailOf({ from, to, isSecret, text }) {
  const [head, ...rest] = text.split("\r\n\r\n");
  const fields = new Map(
    head
      .replace(/\r\n[ \t]+/g, " ")
      .split("\r\n")
      .map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const subject = fields
    .get("subject")
    .replace(/=\?utf-8\?q\?(.*?)\?=\s*/gi, (_, word) =>
      word.replaceAll("_", " ").replace(/=([0-9A-F]{2})/g, (__, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    );
  const body = rest
    .join("\n\n")
    .replace(/=\r\n/g, "")
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const words = body
    .replace(/<[^>]*>/g, " ")
    .replace(TIME, "TIME")
    .replace(/\s+/g, " ");
  const told = ["TargetIsDown", "mortal:1 of mortal is down &amp; &lt;out&gt;", "severity", "cluster"].filter((word) =>
    words.includes(word),
  );
  return {
    from: from.replace(/\s.*$|MAIL FROM:/g, ""),
    to,
    isSecret,
    subject,
    sender: fields.get("from"),
    addressee: fields.get("to"),
    told,
  };
}

const needs =
  makeCertificate(scratch({ after: () => {} })) === undefined ? "no openssl to make a certificate with" : false;

test("alert chain: a target dies, a mail and a webhook tell of it, and tell when it lives again", {
  skip: needs,
}, async (t) => {
  const { webhooks, mails } = await chain(t, {});
  assert.deepEqual(
    webhooks.map(({ status, alerts }) => [status, alerts.length, alerts[0].status]),
    [
      ["firing", 1, "firing"],
      ["resolved", 1, "resolved"],
    ],
  );
  const [{ groupKey, externalURL, alerts }] = webhooks;
  assert.equal(groupKey, '{}:{alertname="TargetIsDown", job="mortal"}');
  assert.equal(externalURL, "http://am.example/x");
  assert.deepEqual(alerts[0].labels, {
    alertname: "TargetIsDown",
    cluster: "test",
    instance: "mortal:1",
    job: "mortal",
    severity: "page",
    value: "0",
  });
  assert.deepEqual(alerts[0].annotations, { summary: "mortal:1 of mortal is down & <out>" });
  assert.equal(alerts[0].generatorURL, "http://prom.example/p/graph?g0.expr=up+%3D%3D+0&g0.tab=1");
  assert.match(mails[0].subject, /^\[FIRING:1\] TargetIsDown mortal/);
  assert.match(mails[1].subject, /^\[RESOLVED\] TargetIsDown mortal/);
  for (const mail of mails) {
    assert.equal(mail.isSecret, true);
    assert.equal(mail.told.length, 4);
  }
});

test("alert chain: with the reference's server or Alertmanager in it, the same messages come", {
  skip: needs || withoutPeer || reference.missing || false,
}, async (t) => {
  const ours = await chain(t, {});
  assert.deepEqual(await chain(t, { Server: Peer }), ours, "the reference's server and our Alertmanager");
  assert.deepEqual(await chain(t, { command: reference.command }), ours, "our server and the reference's Alertmanager");
});
