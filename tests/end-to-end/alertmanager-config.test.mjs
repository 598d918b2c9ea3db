// What is wrong with a configuration, in the reference's words; and that its own tool gets along with our program.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Alertmanager, reference } from "../lib/alertmanager.mjs";

const GOOD = "route: {receiver: a}\nreceivers: [{name: a}]\n";
const withReceiver = (keys) => `route: {receiver: a}\nreceivers: [{name: a, ${keys}}]\n`;
const withRoute = (keys) => `route: {receiver: a, ${keys}}\nreceivers: [{name: a}]\n`;
const withInterval = (keys) => `${GOOD}time_intervals: [{name: t, time_intervals: [{${keys}}]}]\n`;

const CASES = [
  "",
  "receivers: [{name: a}]\n",
  "route: {receiver: b}\nreceivers: [{name: a}]\n",
  "route: {receiver: a}\n",
  "route: {}\nreceivers: [{name: a}]\n",
  "route: {receiver: a}\nreceivers: [{name: a}, {name: a}]\n",
  "route: {receiver: a}\nreceivers: [{name: ''}]\n",
  "route: {receiver: a}\nreceivers: [{name: a, labels: {name: b}}]\n",
  "bogus: 1\nroute: {receiver: a}\nreceivers: [{name: a}]\n",
  withRoute("matchers: [a=b]"),
  withRoute("match: {a: b}"),
  withRoute("continue: true"),
  withRoute("mute_time_intervals: [x]"),
  withRoute("active_time_intervals: [x]"),
  withRoute("routes: [{mute_time_intervals: [x]}]"),
  withRoute("routes: [{active_time_intervals: [x]}]"),
  withRoute("routes: [{receiver: zzz}]"),
  withRoute("routes: [{matchers: ['a=~(']}]"),
  withRoute("routes: [{matchers: ['a']}]"),
  withRoute("routes: [{match_re: {a: '('}}]"),
  withRoute("routes: [{match: {'': b}}]"),
  withRoute("group_by: [a, a]"),
  withRoute("group_by: ['...', a]"),
  withRoute("group_by: ['']"),
  withRoute("group_wait: x"),
  withRoute("group_interval: 0s"),
  withRoute("repeat_interval: 0s"),
  withRoute("group_wait: 5"),
  `${GOOD}inhibit_rules: [{source_matchers: [a], target_matchers: [b=c]}]\n`,
  `${GOOD}inhibit_rules: [{equal: ['']}]\n`,
  `${GOOD}mute_time_intervals: [{name: ''}]\n`,
  `${GOOD}time_intervals: [{name: ''}]\n`,
  `${GOOD}time_intervals: [{name: t}, {name: t}]\n`,
  `${GOOD}time_intervals: [{name: t}]\nmute_time_intervals: [{name: t}]\n`,
  withInterval("times: [{start_time: '25:00', end_time: '24:00'}]"),
  withInterval("times: [{start_time: '12:00', end_time: '11:00'}]"),
  withInterval("times: [{start_time: '12:00'}]"),
  withInterval("weekdays: ['noday']"),
  withInterval("weekdays: ['friday:monday']"),
  withInterval("days_of_month: ['0']"),
  withInterval("days_of_month: ['32']"),
  withInterval("days_of_month: ['5:1']"),
  withInterval("days_of_month: ['-1:1']"),
  withInterval("days_of_month: ['1:-31']"),
  withInterval("months: ['13']"),
  withInterval("months: ['nomonth']"),
  withInterval("months: ['march:january']"),
  withInterval("years: ['x']"),
  withInterval("years: ['2022:2020']"),
  withInterval("location: Nowhere/Land"),
  withInterval("bogus: 1"),
  withReceiver("webhook_configs: [{}]"),
  withReceiver("webhook_configs: [{url: 'ftp://x'}]"),
  withReceiver("webhook_configs: [{url: 'http://x', url_file: y}]"),
  withReceiver("webhook_configs: [{url: 'http://x', bogus: y}]"),
  withReceiver(
    "webhook_configs: [{url: 'http://x', http_config: {basic_auth: {username: a, password: b}, bearer_token: c}}]",
  ),
  withReceiver("webhook_configs: [{url: 'http://x', http_config: {basic_auth: {password: b, password_file: c}}}]"),
  withReceiver("webhook_configs: [{url: 'http://x', http_config: {authorization: {type: Basic}}}]"),
  withReceiver("webhook_configs: [{url: 'http://x', http_config: {oauth2: {client_id: a}}}]"),
  withReceiver("webhook_configs: [{url: 'http://x', http_config: {tls_config: {cert: x}}}]"),
  withReceiver("email_configs: [{to: a}]"),
  withReceiver("email_configs: [{}]"),
  withReceiver("email_configs: [{to: a, smarthost: 'x:25', from: b, headers: {Subject: a, subject: b}}]"),
  withReceiver("email_configs: [{to: a, smarthost: 'x', from: b}]"),
  withReceiver("email_configs: [{to: a, smarthost: 'x:25'}]"),
  withReceiver("email_configs: [{to: a, smarthost: 'x:25', from: b, auth_password: a, auth_password_file: b}]"),
  withReceiver("slack_configs: [{}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', api_url_file: y}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', fields: [{}]}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', fields: [{title: a}]}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', actions: [{}]}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', actions: [{type: button}]}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', actions: [{type: button, text: a}]}]"),
  withReceiver("slack_configs: [{api_url: 'http://x', actions: [{type: button, text: a, name: b, confirm: {}}]}]"),
  withReceiver("slack_configs: [{app_token: x, api_url: 'http://x'}]"),
  withReceiver("pagerduty_configs: [{}]"),
  withReceiver("pagerduty_configs: [{routing_key: a, service_key: b}]"),
  withReceiver("pagerduty_configs: [{routing_key: a, routing_key_file: b}]"),
  withReceiver("pagerduty_configs: [{service_key: a, service_key_file: b}]"),
  withReceiver("opsgenie_configs: [{}]"),
  withReceiver("opsgenie_configs: [{api_key: a, api_key_file: b}]"),
  withReceiver("opsgenie_configs: [{api_key: a, responders: [{type: team}]}]"),
  withReceiver("opsgenie_configs: [{api_key: a, responders: [{type: x, name: y}]}]"),
  withReceiver("opsgenie_configs: [{api_key: a, responders: [{type: '{{', name: y}]}]"),
  withReceiver("victorops_configs: [{}]"),
  withReceiver("victorops_configs: [{api_key: a}]"),
  withReceiver("victorops_configs: [{api_key: a, routing_key: b, custom_fields: {entity_id: c}}]"),
  withReceiver("victorops_configs: [{api_key: a, api_key_file: b, routing_key: c}]"),
  withReceiver("pushover_configs: [{}]"),
  withReceiver("pushover_configs: [{user_key: a}]"),
  withReceiver("pushover_configs: [{user_key: a, user_key_file: b, token: c}]"),
  withReceiver("pushover_configs: [{user_key: a, token: b, html: true, monospace: true}]"),
  withReceiver("sns_configs: [{}]"),
  withReceiver("sns_configs: [{topic_arn: a, phone_number: b}]"),
  withReceiver("sns_configs: [{topic_arn: a, sigv4: {access_key: b}}]"),
  withReceiver("telegram_configs: [{}]"),
  withReceiver("telegram_configs: [{bot_token: a}]"),
  withReceiver("telegram_configs: [{bot_token: a, bot_token_file: b, chat_id: 1}]"),
  withReceiver("telegram_configs: [{bot_token: a, chat_id: 1, parse_mode: x}]"),
  withReceiver("discord_configs: [{}]"),
  withReceiver("discord_configs: [{webhook_url: 'http://x', webhook_url_file: y}]"),
  withReceiver("msteams_configs: [{}]"),
  withReceiver("msteamsv2_configs: [{}]"),
  withReceiver("msteamsv2_configs: [{webhook_url: 'http://x', webhook_url_file: y}]"),
  withReceiver("webex_configs: [{}]"),
  withReceiver("webex_configs: [{room_id: a}]"),
  withReceiver("wechat_configs: [{}]"),
  withReceiver("wechat_configs: [{api_secret: a}]"),
  withReceiver("wechat_configs: [{api_secret: a, corp_id: b, message_type: c}]"),
  withReceiver("jira_configs: [{}]"),
  withReceiver("jira_configs: [{api_url: 'http://x', project: a}]"),
  withReceiver("jira_configs: [{api_url: 'http://x', issue_type: a}]"),
  withReceiver("jira_configs: [{api_url: 'http://x', project: a, issue_type: b, api_type: c}]"),
  withReceiver("rocketchat_configs: [{}]"),
  withReceiver("rocketchat_configs: [{token: a}]"),
  withReceiver("rocketchat_configs: [{token: a, token_file: b, token_id: c}]"),
  withReceiver("mattermost_configs: [{}]"),
  withReceiver("mattermost_configs: [{webhook_url: 'http://x', webhook_url_file: y}]"),
  withReceiver("incidentio_configs: [{}]"),
  withReceiver("incidentio_configs: [{url: 'http://x'}]"),
  withReceiver("incidentio_configs: [{url: 'http://x', url_file: y, alert_source_token: z}]"),
  `global: {smtp_smarthost: x}\n${GOOD}`,
  `global: {resolve_timeout: x}\n${GOOD}`,
  `global: {slack_api_url: 'http://x', slack_api_url_file: y}\n${GOOD}`,
  `global: {slack_app_token: 'x', slack_app_token_file: y}\n${GOOD}`,
  `global: {opsgenie_api_key: x, opsgenie_api_key_file: y}\n${GOOD}`,
  `global: {victorops_api_key: x, victorops_api_key_file: y}\n${GOOD}`,
  `global: {smtp_auth_password: x, smtp_auth_password_file: y}\n${GOOD}`,
  `global: {telegram_bot_token: x, telegram_bot_token_file: y}\n${GOOD}`,
  `global: {rocketchat_token: x, rocketchat_token_file: y}\n${GOOD}`,
  `global: {pagerduty_url: 'x'}\n${GOOD}`,
  `global: {bogus: 'x'}\n${GOOD}`,
];

/** The sentence alone: where it is wrong is told in other ways. */
const sentence = (body) =>
  body
    .replace(/^failed to reload config: /, "")
    .replace(/^\S*alertmanager\.yml(:\d+:\d+)?: /, "")
    .replace(/^yaml: unmarshal errors:\n/, "")
    .replace(/^ *line \d+(, column \d+)?: /, "")
    .trim();

test("alertmanager: what is wrong with a configuration is said in the reference's words", {
  skip: reference.missing,
}, async (t) => {
  const theirs = await Alertmanager.start(t, { config: GOOD, command: reference.command });
  const ours = await Alertmanager.start(t, { config: GOOD });
  const differing = [];
  for (const config of CASES) {
    const [expected, actual] = await Promise.all(
      [theirs, ours].map((program) => {
        writeFileSync(program.configFile, config);
        return program.call("/-/reload", { method: "POST" });
      }),
    );
    // Where there are several we name them all, the reference its first.
    if (actual.body.includes("several problems") && actual.status === expected.status)
      if (actual.body.includes(sentence(expected.body))) continue;
    const said = { status: actual.status, body: sentence(actual.body) };
    const wanted = { status: expected.status, body: sentence(expected.body) };
    if (JSON.stringify(said) !== JSON.stringify(wanted)) differing.push({ config, said, wanted });
  }
  assert.deepEqual(differing, []);
});

test("alertmanager: the reference's amtool gets along with it", { skip: reference.missing }, async (t) => {
  const config = `
route: {receiver: a, group_by: [alertname], routes: [{matchers: [team=b], receiver: b, routes: [{matchers: [x=y], continue: true}]}]}
receivers: [{name: a}, {name: b}]
`;
  const theirs = await Alertmanager.start(t, { config, command: reference.command });
  const ours = await Alertmanager.start(t, { config });
  const ids = new Map([theirs, ours].map((program) => [program, []]));
  const run = (program, args) => {
    const { code, stdout, stderr } = program.amtool(
      ...args.map((arg) => (arg === "ID" ? ids.get(program).at(-1) : arg)),
    );
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(stdout)?.[0];
    if (id !== undefined) ids.get(program).push(id);
    const text = `${code}\n${stdout}\n${stderr.replace(/^Warning: amtool version.*\n/gm, "")}`
      .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "UUID")
      .replace(/\d{4}-\d\d-\d\d[T ][0-9:.]+( UTC|Z)/g, "TIME")
      .replaceAll(String(program.port), "PORT")
      .replace(/ +/g, " ");
    return text;
  };
  const both = (...args) => {
    const [expected, actual] = [theirs, ours].map((program) => run(program, args));
    assert.equal(actual, expected, args.join(" "));
    return actual;
  };
  assert.match(both("alert", "add", "alertname=A", "team=b", "--annotation=k=v", "--end=2090-01-01T00:00:00Z"), /^0/);
  assert.match(both("alert", "add", "B"), /^0/);
  assert.match(both("alert", "query"), /Alertname.*Starts/);
  both("alert", "query", "--output=json", "alertname=A");
  both("alert", "query", "--output=extended", "team=~b");
  both("alert", "query", "--receiver=b");
  both("alert", "query", "a b");
  assert.match(both("silence", "add", "alertname=A", "--comment=c", "--author=me", "--duration=1h"), /UUID/);
  assert.match(both("silence", "query"), /alertname="A"/);
  both("silence", "query", "--output=simple", "alertname=A");
  both("silence", "query", "-q", "--created-by=me");
  both("alert", "query", "--silenced");
  both("alert", "query", "--active");
  assert.match(both("silence", "update", "ID", "--comment=d", "--duration=2h"), /UUID/);
  both("silence", "query", "--output=extended");
  assert.match(both("silence", "expire", "ID"), /^0/);
  both("silence", "query", "--expired", "--within=1h");
  both("silence", "expire", "nope");
  both("silence", "add", "alertname=A");
  both("silence", "add", "--comment=c");
  assert.match(both("config", "show"), /receiver: a/);
  assert.match(both("config", "routes", "show"), /receiver: b/);
  assert.match(both("config", "routes", "test", "team=b", "x=y"), /b/);
  both("config", "routes", "test", "--verify.receivers=a", "team=b");
  both("cluster", "show");
  const file = join(ours.folder, "silences.json");
  writeFileSync(
    file,
    JSON.stringify([
      {
        matchers: [{ name: "a", value: "b", isRegex: false }],
        comment: "c",
        createdBy: "x",
        startsAt: "2090-01-01T00:00:00Z",
        endsAt: "2091-01-01T00:00:00Z",
      },
    ]),
  );
  both("silence", "import", file);
  assert.match(both("silence", "query", "--output=json", "a=b"), /pending/);
});
