import assert from "node:assert/strict";
import { test } from "node:test";
import { isCredentialHeader, withoutCredentials } from "./credential-headers.ts";

test("credentials in headers: tokens of HTTP and of the APIs are known in any spelling, and kept from another host", () => {
  const headers = {
    AUTHORIZATION: "Bearer a",
    "x-amz-security-token": "b",
    "X-Auth-Token": "c",
    "X-Consul-Token": "d",
    Cookie: ["e"],
    "X-Amz-Date": "20260101T000000Z",
    "Content-Type": "text/plain",
  };
  assert.deepEqual(withoutCredentials(headers), {
    "X-Amz-Date": "20260101T000000Z",
    "Content-Type": "text/plain",
  });
  assert.ok(isCredentialHeader("Proxy-Authorization") && !isCredentialHeader("X-Amz-Date"));
});
