import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PLAIN_HTTP } from "../http-client/plain-http-config.ts";
import { FakeApi, type FakeRequest, whenDone } from "../testing.ts";
import { ApiClient } from "./api-client.ts";
import { AwsCredentialSource, type AwsIdentity } from "./aws-credentials.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-aws-"));
whenDone(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();
const NOBODY: AwsIdentity = { accessKey: "", secretKey: "", profile: "", roleArn: "", externalId: "" };

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

/** Somebody who looks for credentials on a machine where everything but loopback is out of reach. */
function source(identity: Partial<AwsIdentity>, environment: Record<string, string>, now = () => 0) {
  const complete = { HOME: "/nowhere", AWS_EC2_METADATA_DISABLED: "true", ...environment };
  const client = new ApiClient(PLAIN_HTTP, { environment: complete });
  whenDone(() => client.close());
  return new AwsCredentialSource({ ...NOBODY, ...identity }, { environment: complete, client, now });
}

const sts = (credentials: string, action = "AssumeRole") =>
  `<${action}Response><${action}Result><Credentials>${credentials}</Credentials></${action}Result></${action}Response>`;

const ROLE_KEYS =
  "<AccessKeyId>R</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken><Expiration>1970-01-01T01:00:00Z</Expiration>";

test("AWS credentials: configuration, then environment, then the files of profiles", async () => {
  const files = {
    AWS_SHARED_CREDENTIALS_FILE: file(
      "credentials",
      "# comment\n[default]\naws_access_key_id = F\naws_secret_access_key=G ; note\n\n[other]\naws_access_key_id=O\naws_secret_access_key=P\naws_session_token=Q\n",
    ),
    AWS_CONFIG_FILE: file(
      "config",
      "[default]\nregion = eu-west-9\ns3 =\n  region = no\n[profile other]\nregion=eu-west-8\n",
    ),
  };
  const environment = { ...files, AWS_ACCESS_KEY_ID: "E", AWS_SECRET_ACCESS_KEY: "K", AWS_SESSION_TOKEN: "T" };
  const of = async (from: AwsCredentialSource) => {
    const { accessKeyId, secretAccessKey, sessionToken } = await from.credentials("r", signal);
    return [accessKeyId, secretAccessKey, sessionToken];
  };
  assert.deepEqual(await of(source({ accessKey: "A", secretKey: "B" }, environment)), ["A", "B", ""]);
  assert.deepEqual(await of(source({}, environment)), ["E", "K", "T"]);
  assert.deepEqual(await of(source({}, files)), ["F", "G", ""]);
  assert.deepEqual(await of(source({}, { ...files, AWS_PROFILE: "other" })), ["O", "P", "Q"]);
  assert.deepEqual(await of(source({ profile: "other" }, environment)), ["O", "P", "Q"]);
  await assert.rejects(of(source({ profile: "none" }, environment)), /AWS profile "none" has no credentials/);
  assert.equal(await source({}, files).region("", signal), "eu-west-9");
  assert.equal(await source({ profile: "other" }, files).region("", signal), "eu-west-8");
  assert.equal(await source({}, { ...files, AWS_REGION: "x" }).region("", signal), "x");
  assert.equal(await source({}, files).region("said", signal), "said");
});

test("AWS credentials: roles by STS, with what is asked for signed by whoever takes them on", async () => {
  const api = await FakeApi.start(() => ({ body: sts(ROLE_KEYS) }));
  const environment = { AWS_ENDPOINT_URL_STS: api.url };
  let now = 0;
  const from = source(
    { accessKey: "A", secretKey: "B", roleArn: "arn:role/x", externalId: "ext" },
    environment,
    () => now,
  );
  const found = await from.credentials("eu-west-1", signal);
  assert.deepEqual(
    [found.accessKeyId, found.secretAccessKey, found.sessionToken, found.expires],
    ["R", "S", "T", 3_600_000],
  );
  const [asked] = api.requests as [FakeRequest];
  const form = new URLSearchParams(asked.body);
  assert.deepEqual(
    ["Action", "Version", "RoleArn", "ExternalId", "DurationSeconds"].map((name) => form.get(name)),
    ["AssumeRole", "2011-06-15", "arn:role/x", "ext", "900"],
  );
  assert.match(
    asked.headers.authorization as string,
    /^AWS4-HMAC-SHA256 Credential=A\/\d{8}\/eu-west-1\/sts\/aws4_request/,
  );
  // Kept while they are good, exchanged five minutes before their end, and when somebody refused them.
  now = 3_200_000;
  await from.credentials("eu-west-1", signal);
  assert.equal(api.requests.length, 1);
  now = 3_400_000;
  await from.credentials("eu-west-1", signal);
  assert.equal(api.requests.length, 2);
  from.forget();
  await from.credentials("eu-west-1", signal);
  assert.equal(api.requests.length, 3);
});

test("AWS credentials: roles of profiles and of tokens", async () => {
  const api = await FakeApi.start(({ body }) => ({
    body: sts(ROLE_KEYS, new URLSearchParams(body).get("Action") ?? ""),
  }));
  const environment = {
    AWS_ENDPOINT_URL_STS: api.url,
    AWS_CONFIG_FILE: file(
      "roles",
      `[profile app]
role_arn = arn:role/app
source_profile = base
external_id = e
role_session_name = me
[profile base]
aws_access_key_id = A
aws_secret_access_key = B
[profile a]
role_arn = r
source_profile = b
[profile b]
role_arn = r
source_profile = a
[profile sso]
sso_session = x
[profile process]
credential_process = /bin/false
`,
    ),
  };
  const get = (profile: string) => source({ profile }, environment).credentials("r", signal);
  assert.equal((await get("app")).accessKeyId, "R");
  const form = new URLSearchParams(api.requests[0]?.body);
  assert.deepEqual([form.get("RoleSessionName"), form.get("ExternalId")], ["me", "e"]);
  await assert.rejects(get("a"), /in a circle/);
  await assert.rejects(get("sso"), /profile "sso" uses sso_session, which is not supported/);
  await assert.rejects(get("process"), /credential_process, which is not supported/);
  const token = file("token", "the-token\n");
  const byToken = source({}, { ...environment, AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ROLE_ARN: "arn:role/pod" });
  assert.equal((await byToken.credentials("r", signal)).sessionToken, "T");
  const last = api.requests.at(-1) as FakeRequest;
  assert.equal(last.headers.authorization, undefined);
  assert.equal(new URLSearchParams(last.body).get("WebIdentityToken"), "the-token");
  api.answer = () => ({
    status: 403,
    body: "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>",
  });
  await assert.rejects(get("app"), /could not take on role: AccessDenied: not you/);
});

test("AWS credentials: those of a container, and those of a machine by version 2 of its metadata", async () => {
  const keys = {
    Code: "Success",
    AccessKeyId: "M",
    SecretAccessKey: "N",
    Token: "O",
    Expiration: "2100-01-01T00:00:00Z",
  };
  const api = await FakeApi.start(({ method, path, headers }) => {
    if (path === "/container") return headers.authorization === "secret" ? { body: keys } : { status: 401 };
    if (path === "/latest/api/token") return method === "PUT" ? { body: "tok" } : { status: 405 };
    if (headers["x-aws-ec2-metadata-token"] !== "tok") return { status: 401 };
    if (path === "/latest/meta-data/iam/security-credentials/") return { body: "role-name\n" };
    if (path === "/latest/meta-data/iam/security-credentials/role-name") return { body: keys };
    if (path === "/latest/dynamic/instance-identity/document") return { body: { region: "ap-1" } };
    return { status: 404 };
  });
  const container = source(
    {},
    { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${api.url}/container`, AWS_CONTAINER_AUTHORIZATION_TOKEN: "secret" },
  );
  assert.equal((await container.credentials("r", signal)).accessKeyId, "M");
  const machine = source({}, { AWS_EC2_METADATA_DISABLED: "", AWS_EC2_METADATA_SERVICE_ENDPOINT: api.url });
  assert.equal((await machine.credentials("r", signal)).sessionToken, "O");
  assert.equal(await machine.region("", signal), "ap-1");
  const nowhere = source({}, {});
  await assert.rejects(nowhere.credentials("r", signal), /AWS_EC2_METADATA_DISABLED/);
  await assert.rejects(nowhere.region("", signal), /could not determine AWS region/);
});

test("AWS credentials: asked for by many at once they are looked for once, and so is the region, which is kept", async () => {
  let regions = 0;
  const api = await FakeApi.start(({ path }) => {
    if (path === "/latest/api/token") return { body: "tok" };
    if (path !== "/latest/dynamic/instance-identity/document") return { body: sts(ROLE_KEYS) };
    regions++;
    return regions === 1 ? { status: 500 } : { body: { region: "ap-1" } };
  });
  let now = 0;
  const from = source(
    { accessKey: "A", secretKey: "B", roleArn: "arn:role/x" },
    { AWS_ENDPOINT_URL_STS: api.url, AWS_EC2_METADATA_DISABLED: "", AWS_EC2_METADATA_SERVICE_ENDPOINT: api.url },
    () => now,
  );
  const times = <T>(ask: () => Promise<T>) => Promise.all([ask(), ask(), ask()]);
  // A failure is not kept.
  await assert.rejects(from.region("", signal), /could not determine AWS region/);
  assert.deepEqual(await times(() => from.region("", signal)), ["ap-1", "ap-1", "ap-1"]);
  await from.region("", signal);
  assert.equal(regions, 2);
  const rolesAsked = () => api.requests.filter(({ body }) => body.includes("AssumeRole")).length;
  await times(() => from.credentials("ap-1", signal));
  assert.equal(rolesAsked(), 1);
  now = 3_400_000;
  await times(() => from.credentials("ap-1", signal));
  assert.equal(rolesAsked(), 2);
});
