import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { EMPTY_SECRET, Secret } from "../secret/secret.ts";
import type { HttpClientConfig } from "./config.ts";
import { ownHeaders } from "./own-headers.ts";
import { CredentialError } from "./route.ts";

type Headers = Pick<HttpClientConfig, "basicAuth" | "authorization" | "httpHeaders">;

/** The headers of a configuration that says only so much. */
function headersOf(config: Partial<Headers>): Record<string, string | string[]> {
  return ownHeaders({ basicAuth: undefined, authorization: undefined, httpHeaders: undefined, ...config } as never);
}

test("own headers: users, tokens and named headers, from texts and from files that are read for each request", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "own-headers-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "secret");
  writeFileSync(file, " first\n");
  const basicAuth = { username: "me", usernameFile: "", password: EMPTY_SECRET, passwordFile: file };
  const basic = (text: string) => ({ Authorization: `Basic ${Buffer.from(text).toString("base64")}` });
  assert.deepEqual(headersOf({ basicAuth }), basic("me:first"));
  writeFileSync(file, "second");
  assert.deepEqual(headersOf({ basicAuth }), basic("me:second"));
  const authorization = { type: "Bearer", credentials: new Secret("t0ken"), credentialsFile: "" };
  const httpHeaders = new Map([["X-A", { values: ["1"], secrets: [new Secret("2")], files: [file] }]]);
  assert.deepEqual(headersOf({ authorization, httpHeaders }), {
    Authorization: "Bearer t0ken",
    "X-A": ["1", "2", "second"],
  });
  rmSync(file);
  assert.throws(() => headersOf({ basicAuth }), CredentialError);
});
