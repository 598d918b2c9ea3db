import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "@narthex/toolkit";
import { awsSigner, azureSigner } from "./cloud-signers.ts";

const request = {
  method: "POST",
  url: new URL("https://aps.example/workspaces/w/api/v1/remote_write"),
  headers: { "Content-Type": "application/x-protobuf", "User-Agent": "Prometheus/3", "X-Both": ["a", "b"] },
  body: new Uint8Array([1, 2, 3]),
};

const aws = {
  region: "eu-central-1",
  accessKey: "AKID",
  secretKey: new Secret("hidden"),
  profile: "",
  roleArn: "",
  externalId: "",
  useFipsStsEndpoint: false,
  serviceName: "",
};

test("signers: AWS signs what proxies leave alone, for the service of remote write", async () => {
  const now = (): number => Date.UTC(2026, 0, 2, 3, 4, 5);
  const headers = await awsSigner(aws, { environment: {}, now })(request);
  assert.equal(headers["X-Amz-Date"], "20260102T030405Z");
  assert.match(
    headers["Authorization"] ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKID\/20260102\/eu-central-1\/aps\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-both, Signature=[0-9a-f]{64}$/,
  );
  const other = await awsSigner({ ...aws, serviceName: "execute-api" }, { environment: {}, now })(request);
  assert.match(other["Authorization"] ?? "", /\/execute-api\/aws4_request/);
  const changed = await awsSigner(aws, { environment: {}, now })({ ...request, body: new Uint8Array([1, 2, 4]) });
  assert.notEqual(changed["Authorization"], headers["Authorization"]);
});

test("signers: a certificate of Azure AD is not supported, an unknown cloud is named", () => {
  const none = { managedIdentity: undefined, workloadIdentity: undefined, oauth: undefined, sdk: undefined };
  const config = { ...none, certificate: {}, cloud: "AzurePublic", scope: "" };
  assert.equal(azureSigner(config), undefined);
  assert.throws(
    () => azureSigner({ ...config, certificate: undefined, managedIdentity: {}, cloud: "Mars" }),
    /the cloud "Mars" of azuread is not known/,
  );
});
