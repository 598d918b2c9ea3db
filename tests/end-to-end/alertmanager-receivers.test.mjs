// What receivers are told, beside what the reference tells them: message by message.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Alertmanager, Catcher, MailCatcher, reference } from "../lib/alertmanager.mjs";
import { scratch } from "../lib/program.mjs";

/** What templates may call, each once at least. */
const EXPRESSIONS = [
  '{{ "a b" | toUpper }} {{ "A B" | toLower }} {{ "hello big world" | title }} {{ "  x " | trimSpace }}',
  '{{ join "," (stringSlice "a" "b") }} {{ match "^a.*" "abc" }} {{ reReplaceAll "(a)(b)" "$2$1" "abab" }}',
  '{{ range .CommonLabels.SortedPairs }}{{ .Name }}={{ .Value }};{{ end }} {{ .CommonLabels.Names }} {{ join "+" .CommonLabels.Values }} {{ .GroupLabels.Values }}',
  '{{ (.CommonLabels.Remove (stringSlice "job" "severity")).Names }} {{ len .Alerts }} {{ .Alerts.Firing | len }} {{ .Alerts.Resolved | len }}',
  '{{ (index .Alerts 0).StartsAt.Year }} {{ date "Jan _2 Monday" (index .Alerts 0).StartsAt | len }} {{ (tz "UTC" (index .Alerts 0).StartsAt).Location }}',
  '{{ humanizeDuration 3725.5 }} {{ humanizeDuration 0.0012 }} {{ humanizeDuration "90" }}',
  '{{ toJson .GroupLabels }} {{ printf "%05.1f|%-4d|%q|%v" 3.14159 7 "x" true }} {{ urlUnescape "a%20b" }}',
  '{{ with $x := 5 }}{{ if and (gt $x 3) (not (eq $x 4)) }}yes{{ else }}no{{ end }}{{ end }} {{ index (list 1 2) 1 }} {{ (dict "a" 1).a }}',
  "{{ .CommonLabels.job }}{{ .CommonLabels.nope }}|{{ .ExternalURL }}|{{ .Receiver }}|{{ .Status }}",
  '{{ html "<a>" }} {{ js "it\'s" }} {{ urlquery "a b&c" }} {{ slice "abcdef" 1 3 }} {{ print 1 2 "x" }} {{ println "y" }}',
  '{{ safeHtml "<b>" }} {{ safeUrl "http://x" }} {{ range $i, $a := .Alerts }}{{ if $i }}, {{ end }}{{ $a.Labels.instance }}{{ end }} {{ (index .Alerts 0).Fingerprint }}',
];

/** Receivers whose address can be chosen, and keys that make more of them say something. */
const receivers = (port, mailPort) => ({
  webhook: `webhook_configs: [{ url: "http://127.0.0.1:${port}/webhook" }]`,
  few: `webhook_configs: [{ url: "http://127.0.0.1:${port}/few", max_alerts: 1, send_resolved: false }]`,
  slack: `slack_configs: [{ api_url: "http://127.0.0.1:${port}/slack", channel: "#x", send_resolved: true, fields: [{title: a, value: "{{ .Status }}"}], actions: [{type: button, text: go, url: "http://x/{{ .GroupLabels.alertname }}"}] }]`,
  functions: `slack_configs: [{ api_url: "http://127.0.0.1:${port}/functions", title: '{{ template "own" . }}', fields: [${EXPRESSIONS.map((text) => JSON.stringify({ title: "t", value: text })).join(", ")}] }]`,
  broken: `slack_configs: [{ api_url: "http://127.0.0.1:${port}/broken", pretext: "{{ .Nope }}", footer: f }]`,
  pagerduty: `pagerduty_configs: [{ routing_key: k, url: "http://127.0.0.1:${port}/pagerduty", details: {more: "{{ .CommonLabels.job }}"}, links: [{href: "http://l/", text: t}], images: [{src: "http://i/", alt: a}] }]`,
  opsgenie: `opsgenie_configs: [{ api_key: k, api_url: "http://127.0.0.1:${port}/opsgenie/", tags: "a,b", note: n, priority: P2, responders: [{name: ops, type: team}], details: {x: y}, update_alerts: true }]`,
  victorops: `victorops_configs: [{ api_key: k, api_url: "http://127.0.0.1:${port}/victorops/", routing_key: r, custom_fields: {more: "{{ .Status }}"} }]`,
  telegram: `telegram_configs: [{ bot_token: t, api_url: "http://127.0.0.1:${port}/telegram", chat_id: -5 }]`,
  telegram2: `telegram_configs: [{ bot_token: t, api_url: "http://127.0.0.1:${port}/telegramMd", chat_id: 5, parse_mode: MarkdownV2, message: '{{ .Status }}', message_thread_id: 7, disable_notifications: true }]`,
  discord: `discord_configs: [{ webhook_url: "http://127.0.0.1:${port}/discord", username: u, content: "{{ .Status }}" }]`,
  msteams: `msteams_configs: [{ webhook_url: "http://127.0.0.1:${port}/msteams" }]`,
  msteamsv2: `msteamsv2_configs: [{ webhook_url: "http://127.0.0.1:${port}/msteamsv2" }]`,
  webex: `webex_configs: [{ room_id: r, api_url: "http://127.0.0.1:${port}/webex", http_config: {authorization: {credentials: c}} }]`,
  wechat: `wechat_configs: [{ api_secret: s, corp_id: c, agent_id: a, to_party: p, api_url: "http://127.0.0.1:${port}/wechat/" }]`,
  wechatMd: `wechat_configs: [{ api_secret: s, corp_id: c, to_user: p, message_type: markdown, api_url: "http://127.0.0.1:${port}/wechatMd/" }]`,
  sns: `sns_configs: [{ api_url: "http://127.0.0.1:${port}/sns", topic_arn: "arn:aws:sns:eu-west-1:1:t", subject: s, attributes: {k: v}, sigv4: {region: eu-west-1, access_key: a, secret_key: b} }]`,
  snsFifo: `sns_configs: [{ api_url: "http://127.0.0.1:${port}/snsFifo", topic_arn: "arn:aws:sns:eu-west-1:1:t.fifo", sigv4: {region: eu-west-1, access_key: a, secret_key: b} }]`,
  jira: `jira_configs: [{ api_url: "http://127.0.0.1:${port}/jira/rest/api/2/", project: P, issue_type: Bug, labels: [l], priority: High, resolve_transition: Done, reopen_transition: Reopen, http_config: {basic_auth: {username: u, password: p}}, fields: {customfield_1: x} }]`,
  jira3: `jira_configs: [{ api_url: "http://127.0.0.1:${port}/jira3/rest/api/3/", api_type: cloud, project: P, issue_type: Bug, description: {template: "{{ .Status }}"} }]`,
  jiraKnown: `jira_configs: [{ api_url: "http://127.0.0.1:${port}/jiraKnown/rest/api/2/", project: P, issue_type: Bug, resolve_transition: Done, reopen_transition: Reopen, reopen_duration: 30d, wont_fix_resolution: No, summary: {template: s, enable_update: false} }]`,
  rocketchat: `rocketchat_configs: [{ api_url: "http://127.0.0.1:${port}/rocketchat", channel: "#c", token: t, token_id: i, actions: [{type: button, text: go}] }]`,
  mattermost: `mattermost_configs: [{ webhook_url: "http://127.0.0.1:${port}/mattermost", channel: c, username: u }]`,
  incidentio: `incidentio_configs: [{ url: "http://127.0.0.1:${port}/incidentio", alert_source_token: t }]`,
  email: `email_configs: [{ to: "b@x, Cc <c@x>", from: a@x, smarthost: "127.0.0.1:${mailPort}", require_tls: false, send_resolved: true, headers: {X-Own: "{{ .Status }} ü"}, text: "{{ .Status }}: ünd" }]`,
});

const config = (each, templates) => `
templates: ["${templates}/*.tmpl"]
global: {resolve_timeout: 5m}
route:
  receiver: nobody
  group_by: [alertname]
  group_wait: 1s
  group_interval: 2s
  repeat_interval: 1h
  routes:
${Object.keys(each)
  .map((name) => `  - {receiver: ${name}, continue: true}\n`)
  .join("")}
receivers:
- name: nobody
${Object.entries(each)
  .map(([name, keys]) => `- name: ${name}\n  ${keys}\n`)
  .join("")}`;

/** What the services say, as far as anybody reads it. */
function answer({ method, url }) {
  if (url.startsWith("/telegram"))
    return { body: '{"ok":true,"result":{"message_id":7,"date":1,"chat":{"id":5,"type":"x"}}}' };
  if (url.startsWith("/discord")) return { status: 204 };
  if (url.includes("/gettoken")) return { body: '{"errcode":0,"access_token":"tok"}' };
  if (url.startsWith("/wechat")) return { body: '{"errcode":0}' };
  if (url.startsWith("/sns"))
    return {
      type: "text/xml",
      body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>',
    };
  if (/^\/jiraKnown.*\/search$/.test(url))
    return {
      body: '{"issues":[{"id":"1","key":"P-1","fields":{"status":{"name":"Open","statusCategory":{"id":2,"key":"new","name":"To Do","colorName":"x"}}}}]}',
    };
  if (url.startsWith("/jiraKnown") && url.endsWith("/transitions") && method === "GET")
    return { body: '{"transitions":[{"id":"31","name":"Done"},{"id":"41","name":"Reopen"}]}' };
  if (/\/search(\/jql)?$/.test(url)) return { body: '{"issues":[]}' };
  if (url.startsWith("/jira")) return { status: method === "POST" ? 201 : 204, body: '{"id":"1","key":"P-1"}' };
  if (url.startsWith("/rocketchat")) return { body: '{"success":true}' };
  if (/^\/(opsgenie|pagerduty|incidentio)/.test(url)) return { status: 202, body: '{"status":"success"}' };
  if (url.startsWith("/msteams")) return { body: "1" };
  return { body: "ok", type: "text/plain" };
}

const alert = (instance, startsAt, more = {}) => ({
  labels: { alertname: "Disk <full>", job: "node", instance, severity: "page" },
  annotations: { summary: `Disk of ${instance} & "others" is full`, description: "*x* _y_" },
  startsAt,
  generatorURL: "http://prom.example/graph?g0.expr=a%3Db&g0.tab=1",
  ...more,
});
async function start(t, command) {
  const catcher = await Catcher.start(t, answer);
  const mail = await MailCatcher.start(t);
  const folder = scratch(t);
  writeFileSync(
    join(folder, "a.tmpl"),
    '{{ define "own" }}own {{ .Status | toUpper }} {{ template "part" .Alerts }}{{ end }}',
  );
  writeFileSync(
    join(folder, "b.tmpl"),
    '{{ define "part" -}}\n  {{ range . }}[{{ .Labels.instance }}]{{ end }}\n{{- end }}',
  );
  const program = await Alertmanager.start(t, { config: config(receivers(catcher.port, mail.port), folder), command });
  return { catcher, mail, program };
}

/** Two alerts that end one after the other. They begin now: groups of old ones do not wait for their second alert. */
async function tell({ catcher, program }, now) {
  const startsAt = new Date(now).toISOString();
  const over = { endsAt: new Date(now + 1).toISOString() };
  const posts = [
    [alert("a", startsAt), alert("b", startsAt)],
    [alert("a", startsAt, over)],
    [alert("b", startsAt, over)],
  ];
  for (const [i, alerts] of posts.entries()) {
    await program.api("/alerts", { method: "POST", body: alerts });
    await catcher.until("/webhook", i + 1);
    await sleep(700);
  }
}

/** Some of the reference's libraries name themselves instead of their program. */
const NAMELESS = /^(Go-http-client|aws-sdk)/;
const HEADERS = ["content-type", "authorization", "user-agent", "x-auth-token", "x-user-id", "accept", "x-amz-date"];

/** A request as text, without what differs from run to run or from release to release. */
function shown({ method, url, headers, body }, port, hidesAgent) {
  const kept = HEADERS.filter((name) => headers[name] !== undefined && !(hidesAgent && name === "user-agent")).map(
    (name) => `${name}: ${headers[name]}`,
  );
  return [`${method} ${url}`, ...kept, "", pretty(body)]
    .join("\n")
    .replaceAll(String(port), "PORT")
    .replace(/Alertmanager\/[0-9.]+/g, "Alertmanager/VERSION")
    .replace(/v?0\.3[0-9]\.[0-9]+/g, "VERSION")
    .replace(/Signature=[0-9a-f]+/g, "Signature=…")
    .replace(/Credential=a\/\d+/g, "Credential=a/DAY")
    .replace(/SignedHeaders=[a-z0-9;-]+/g, "SignedHeaders=…")
    .replace(/\d{8}T\d{6}Z/g, "MOMENT")
    .replace(/"(timestamp|ts|date|fired_at)": ?"?\d+"?/g, '"$1": 0');
}

function pretty(body) {
  try {
    const value = JSON.parse(body);
    // Of the release after the one that may be installed.
    delete value.notification_reason;
    delete value.routeLabels;
    return JSON.stringify(value, null, 1);
  } catch {
    return body;
  }
}

test("alertmanager: every receiver is told what the reference tells it", { skip: reference.missing }, async (t) => {
  const theirs = await start(t, reference.command);
  const ours = await start(t);
  const now = Date.now();
  await Promise.all([tell(theirs, now), tell(ours, now)]);
  await t.test("in the same messages", async (each) => {
    for (const name of Object.keys(receivers(0, 0))) {
      if (name === "email") continue;
      const path = name === "telegram2" ? "/telegramMd" : `/${name}`;
      const requests = ({ catcher }) =>
        catcher.requests.filter(({ url }) => new RegExp(`^${path}(?![A-Za-z0-9])`).test(url));
      const hidesAgent = requests(theirs).some(({ headers }) => NAMELESS.test(headers["user-agent"]));
      const of = (run) =>
        requests(run)
          .map((request) => shown(request, run.catcher.port, hidesAgent))
          .join("\n\n");
      await each.test(name, () => {
        assert.notEqual(of(theirs), "", theirs.program.log);
        assert.equal(of(ours), of(theirs));
      });
    }
  });
  await t.test("in the same mails", () => {
    const of = ({ mail }) => mail.mails.map(shownMail).join("\n\n");
    assert.notEqual(of(theirs), "", theirs.program.log);
    assert.equal(of(ours), of(theirs));
  });
});

/** The reference's headers come in an order of chance. */
function shownMail({ from, to, data }) {
  const boundary = /boundary=([0-9a-f]+)/.exec(data)?.[1];
  const end = data.indexOf("\r\n\r\n");
  const head = data
    .slice(0, end)
    .replace(/\r\n[ \t]/g, " ")
    .split("\r\n")
    .sort();
  return [from, ...to, ...head, data.slice(end)]
    .join("\n")
    .replaceAll(boundary ?? "\0", "BOUNDARY")
    .replaceAll("\r", "")
    .replace(/^Date: .*$/gm, "Date: …")
    .replace(/^Message-Id: <.*@(.*)>$/gm, "Message-Id: <…>");
}
