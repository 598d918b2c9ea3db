import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ApiClient, PLAIN_HTTP } from "@narthex/toolkit";
import { FakeApi, whenDone } from "../discovery/testing.ts";
import { GoogleTokenSource } from "./google-token.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-google-"));
whenDone(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();
const SCOPE = "https://www.googleapis.com/auth/compute.readonly";

function source(environment: Record<string, string>, now = () => 1_000_000) {
  const client = new ApiClient(PLAIN_HTTP, { environment: {} });
  whenDone(() => client.close());
  return new GoogleTokenSource(SCOPE, "", { environment: { HOME: "/nowhere", ...environment }, client, now });
}

function file(credentials: object | string): Record<string, string> {
  const path = join(folder, "credentials.json");
  writeFileSync(path, typeof credentials === "string" ? credentials : JSON.stringify(credentials));
  return { GOOGLE_APPLICATION_CREDENTIALS: path };
}

test("Google tokens: a service account vouches for itself by a signed assertion; a token is kept until near its end", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const api = await FakeApi.start(() => ({ body: { access_token: `t${api.requests.length}`, expires_in: 3600 } }));
  const token_uri = `${api.url}/token`;
  const private_key = privateKey.export({ type: "pkcs8", format: "pem" });
  let now = 1_000_000;
  const account = { type: "service_account", client_email: "me@x", private_key_id: "k1", private_key, token_uri };
  const tokens = source(file(account), () => now);
  assert.deepEqual(await Promise.all([tokens.token(signal), tokens.token(signal)]), ["t1", "t1"]);
  const form = new URLSearchParams(api.requests[0]?.body);
  assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
  const [header = "", payload = "", signature = ""] = (form.get("assertion") ?? "").split(".");
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as unknown;
  assert.deepEqual(read(header), { alg: "RS256", typ: "JWT", kid: "k1" });
  assert.deepEqual(read(payload), { iss: "me@x", scope: SCOPE, aud: token_uri, iat: 1000, exp: 4600 });
  const check = createVerify("RSA-SHA256").update(`${header}.${payload}`);
  assert.equal(check.verify(publicKey, signature, "base64url"), true);
  now += 3_400_000;
  assert.equal(await tokens.token(signal), "t1");
  now += 100_000;
  assert.equal(await tokens.token(signal), "t2");
});

test("Google tokens: a user's refresh token, and the metadata server of a machine", async () => {
  const api = await FakeApi.start(({ path, headers }) =>
    path === "/token" || headers["metadata-flavor"] === "Google"
      ? { body: { access_token: path, expires_in: 10 } }
      : { status: 403 },
  );
  const user = {
    type: "authorized_user",
    client_id: "i",
    client_secret: "s",
    refresh_token: "r",
    token_uri: `${api.url}/token`,
  };
  assert.equal(await source(file(user)).token(signal), "/token");
  assert.equal(api.requests[0]?.body, "grant_type=refresh_token&client_id=i&client_secret=s&refresh_token=r");
  const machine = source({ GCE_METADATA_HOST: api.host });
  assert.equal(await machine.token(signal), "/computeMetadata/v1/instance/service-accounts/default/token");
  assert.equal(api.requests[1]?.params.get("scopes"), SCOPE);
});

test("Google tokens: refusals are passed on in one line; unusable files are refused at the start, and not quoted", async () => {
  const api = await FakeApi.start(() => ({
    status: 400,
    body: { error: "invalid_grant", error_description: "Bad\nRequest" },
  }));
  const user = { type: "authorized_user", refresh_token: "r", token_uri: api.url };
  await assert.rejects(source(file(user)).token(signal), /token refused by 127\.0\.0\.1:\d+: invalid_grant: Bad$/);
  api.answer = () => ({ body: "s3cret{" });
  await assert.rejects(source(file(user)).token(signal), (error: Error) => !error.message.includes("s3cret"));
  assert.throws(() => source(file({ type: "external_account" })), /of type "external_account" are not supported/);
  assert.throws(
    () => source(file("s3cret{")),
    (error: Error) => /no valid JSON/.test(error.message) && !/s3cret/.test(error.message),
  );
  assert.throws(() => source({ GOOGLE_APPLICATION_CREDENTIALS: "/nowhere/x" }), /cannot read Google credentials/);
});
