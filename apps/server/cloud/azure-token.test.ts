import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ApiClient, PLAIN_HTTP, Secret } from "@narthex/toolkit";
import { FakeApi, type FakeRequest, whenDone } from "../discovery/testing.ts";
import { azureCloud } from "./azure-cloud.ts";
import { type AzureIdentity, AzureTokenSource } from "./azure-token.ts";

const folder = mkdtempSync(join(tmpdir(), "narthex-azure-"));
whenDone(() => rmSync(folder, { recursive: true }));
const { signal } = new AbortController();

/** One token, and the request it came by. */
async function token(identity: AzureIdentity, environment: (url: string) => Record<string, string> = () => ({})) {
  const api = await FakeApi.start(() => ({ body: { access_token: "t0ken", expires_in: "3600" } }));
  const client = new ApiClient(PLAIN_HTTP, { environment: {} });
  whenDone(() => client.close());
  const source = new AzureTokenSource(identity, {
    authority: api.url,
    audience: "https://management.example",
    environment: environment(api.url),
    client,
    now: () => 0,
  });
  assert.equal(await source.token(signal), "t0ken");
  assert.equal(await source.token(signal), "t0ken");
  assert.equal(api.requests.length, 1);
  return api.requests[0] as FakeRequest;
}

test("Azure tokens: for a client's secret", async () => {
  const clientSecret = new Secret("s3cret");
  const { path, body } = await token({ kind: "secret", tenantId: "tenant", clientId: "client", clientSecret });
  assert.equal(path, "/tenant/oauth2/v2.0/token");
  assert.deepEqual(Object.fromEntries(new URLSearchParams(body)), {
    client_id: "client",
    client_secret: "s3cret",
    grant_type: "client_credentials",
    scope: "https://management.example/.default",
  });
});

test("Azure tokens: for a managed identity, of a machine and of a service", async () => {
  const machine = await token({ kind: "managed", clientId: "c" }, (url) => ({
    AZURE_POD_IDENTITY_AUTHORITY_HOST: url,
  }));
  assert.equal(machine.path, "/metadata/identity/oauth2/token");
  assert.equal(
    machine.params.toString(),
    "api-version=2018-02-01&resource=https%3A%2F%2Fmanagement.example&client_id=c",
  );
  assert.equal(machine.headers["metadata"], "true");
  const service = await token({ kind: "managed", clientId: "" }, (url) => ({
    IDENTITY_ENDPOINT: `${url}/msi`,
    IDENTITY_HEADER: "h",
  }));
  assert.deepEqual([service.path, service.headers["x-identity-header"]], ["/msi", "h"]);
});

test("Azure tokens: for a workload identity, and for whatever the environment offers first", async () => {
  const file = join(folder, "token");
  writeFileSync(file, "assertion\n");
  const workload = (url: string) => ({
    AZURE_TENANT_ID: "t",
    AZURE_CLIENT_ID: "c",
    AZURE_FEDERATED_TOKEN_FILE: file,
    AZURE_AUTHORITY_HOST: `${url}/host/`,
  });
  for (const identity of [
    { kind: "workload", tenantId: "", clientId: "" },
    { kind: "default", tenantId: "" },
  ] as const) {
    const { path, body } = await token(identity, workload);
    assert.equal(path, "/host/t/oauth2/v2.0/token");
    assert.equal(new URLSearchParams(body).get("client_assertion"), "assertion");
  }
  const secret = { AZURE_TENANT_ID: "t", AZURE_CLIENT_ID: "c", AZURE_CLIENT_SECRET: "s" };
  const { body } = await token({ kind: "default", tenantId: "mine" }, () => secret);
  assert.equal(new URLSearchParams(body).get("client_secret"), "s");
  await assert.rejects(token({ kind: "workload", tenantId: "", clientId: "" }), /no client ID specified/);
});

test("Azure clouds: by name in whatever case", () => {
  assert.equal(azureCloud("AzurePublicCloud").management, "https://management.azure.com");
  assert.equal(azureCloud("azureusgovernment").authority, "https://login.microsoftonline.us");
  assert.throws(() => azureCloud("Nimbus"), /there is no cloud configuration matching the name "NIMBUS"/);
});
