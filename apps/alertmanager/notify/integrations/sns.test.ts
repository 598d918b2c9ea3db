import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { PLAIN_HTTP, Secret, silentLogger } from "@narthex/toolkit";
import { type FakeAnswer, FakeApi, whenDone } from "@narthex/toolkit/testing";
import { TemplateSet } from "../../template/template-set.ts";
import { HandClock } from "../../testing.ts";
import type { Delivery } from "../delivery.ts";
import { SnsNotifier } from "./sns.ts";

const clock = new HandClock();
const PUBLISHED = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>";
const roleKeys = (id: string): string =>
  "<AssumeRoleResponse><AssumeRoleResult><Credentials>" +
  `<AccessKeyId>${id}</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>` +
  `<Expiration>${new Date(clock.now() + 15 * 60_000).toISOString()}</Expiration>` +
  "</Credentials></AssumeRoleResult></AssumeRoleResponse>";

const DELIVERY: Delivery = {
  receiver: "r",
  groupKey: "{}",
  groupLabels: Labels.empty,
  routeLabels: new Map(),
  routeId: "",
  nowMs: clock.now(),
  repeatIntervalMs: 0,
  muteTimeIntervals: [],
  activeTimeIntervals: [],
  matchers: [],
  groupUuid: "",
  flushId: 0,
  mutedHashes: [],
  signal: new AbortController().signal,
  reason: "first_notification" as Delivery["reason"],
  data: new Map(),
};

/** A notifier to `api`, which also is the service for roles; `send` tells it one notification. */
function notifierTo(api: FakeApi, sigv4: Readonly<Record<string, string>>, path = "/sns"): { send(): Promise<string> } {
  const keys = { accessKey: "A", region: "eu-west-1", profile: "", roleArn: "", externalId: "", serviceName: "" };
  const config = {
    sendResolved: true,
    httpConfig: { ...PLAIN_HTTP, authorization: { type: "Bearer", credentials: new Secret("t"), credentialsFile: "" } },
    apiUrl: `${api.url}${path}`,
    sigv4: { ...keys, secretKey: new Secret("B"), useFipsStsEndpoint: false, ...sigv4 },
    topicArn: "arn:t",
    phoneNumber: "",
    targetArn: "",
    subject: "s",
    message: "m",
    attributes: new Map(),
    useAwsHttpClient: false,
  };
  const environment = { templates: new TemplateSet(), externalUrl: "http://am", clock, logger: silentLogger };
  const variables = { AWS_ENDPOINT_URL_STS: `${api.url}/sts`, AWS_EC2_METADATA_DISABLED: "true", HOME: "/nowhere" };
  const notifier = new SnsNotifier(config as never, environment, variables);
  whenDone(() => notifier.close());
  return { send: async () => String((await notifier.notify(DELIVERY, [])).status) };
}

const signer = (authorization: string | undefined): string =>
  /Credential=([^/]*)\//.exec(authorization ?? "")?.[1] ?? "";

test("SNS: a role is taken on once, as oneself; its keys sign until shortly before their end, and no longer than they are liked", async () => {
  let roles = 0;
  let answer: FakeAnswer = { body: PUBLISHED };
  const api = await FakeApi.start(({ path }) => (path === "/sts" ? { body: roleKeys(`R${++roles}`) } : answer));
  const { send } = notifierTo(api, { roleArn: "arn:role/x", externalId: "ext" });
  assert.deepEqual([await send(), await send()], ["200", "200"]);
  const [asked, first, second] = api.requests;
  assert.equal(signer(asked?.headers.authorization), "A");
  const form = new URLSearchParams(asked?.body);
  assert.deepEqual([form.get("RoleArn"), form.get("ExternalId")], ["arn:role/x", "ext"]);
  assert.match(form.get("RoleSessionName") ?? "", /^alertmanager-\d+$/);
  assert.equal(api.requests.length, 3);
  assert.equal(first?.headers["x-amz-security-token"], "T");
  await clock.turn(11 * 60_000);
  await send();
  answer = {
    status: 403,
    body: "<ErrorResponse><Error><Code>ExpiredToken</Code><Message>old</Message></Error></ErrorResponse>",
  };
  await assert.rejects(send(), { message: "unexpected status code 403: old" });
  answer = { body: PUBLISHED };
  await send();
  const published = api.requests.filter(({ path }) => path === "/sns");
  assert.equal(second?.path, "/sns");
  assert.equal(published.length, 5);
  assert.equal(roles, 3);
});

test("SNS: nonsense in place of a role's keys is no keys: the notification is tried again, and signed by nobody", async () => {
  let isSane = false;
  const api = await FakeApi.start(({ path }) =>
    path === "/sts" ? { body: isSane ? roleKeys("R") : "<html>welcome</html>" } : { body: PUBLISHED },
  );
  const { send } = notifierTo(api, { roleArn: "arn:role/x" });
  await assert.rejects(send(), { message: "could not take on role: no credentials came", isRetryable: true });
  assert.deepEqual(
    api.requests.map(({ path }) => path),
    ["/sts"],
  );
  isSane = true;
  assert.equal(await send(), "200");
});
