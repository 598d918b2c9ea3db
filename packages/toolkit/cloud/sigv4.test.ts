import assert from "node:assert/strict";
import { test } from "node:test";
import { lasting } from "./aws-credentials.ts";
import { type SignableRequest, signedHeaders } from "./sigv4.ts";

const KEYS = lasting("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "");
const SCOPE = { region: "us-east-1", service: "service", now: Date.UTC(2015, 7, 30, 12, 36, 0) };

function signatureOf(request: Partial<SignableRequest> & { readonly url: URL }, service = "service"): string {
  const complete = { method: "GET", headers: {}, body: "", ...request };
  const { Authorization = "" } = signedHeaders(complete, KEYS, { ...SCOPE, service });
  return Authorization.slice(Authorization.indexOf("Signature=") + "Signature=".length);
}

test("Signature Version 4: the vectors of AWS's test suite", () => {
  const url = (path: string) => new URL(`https://example.amazonaws.com${path}`);
  const type = { "Content-Type": "application/x-www-form-urlencoded" };
  for (const [name, request, signature] of [
    ["get-vanilla", { url: url("/") }, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    [
      "get-vanilla-query-order-key-case",
      { url: url("/?Param2=value2&Param1=value1") },
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    [
      "post-vanilla",
      { method: "POST", url: url("/") },
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ],
    [
      "post-x-www-form-urlencoded",
      { method: "POST", url: url("/"), headers: type, body: "Param1=value1" },
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
  ] as const) {
    assert.equal(signatureOf(request), signature, name);
  }
});

test("Signature Version 4: the example of the signing process in the General Reference", () => {
  const url = new URL("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08");
  const headers = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };
  assert.equal(
    signatureOf({ url, headers }, "iam"),
    "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  );
  const { Authorization } = signedHeaders({ method: "GET", url, headers, body: "" }, KEYS, {
    ...SCOPE,
    service: "iam",
  });
  assert.equal(
    Authorization,
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
  );
});

test("Signature Version 4: a session token is sent and signed", () => {
  const added = signedHeaders(
    { method: "GET", url: new URL("https://example.amazonaws.com/"), headers: {}, body: "" },
    lasting("a", "b", "token"),
    SCOPE,
  );
  assert.equal(added["X-Amz-Security-Token"], "token");
  assert.match(added["Authorization"] as string, /SignedHeaders=host;x-amz-date;x-amz-security-token,/);
});
