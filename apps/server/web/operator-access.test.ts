import assert from "node:assert/strict";
import { test } from "node:test";
import { requireOperator } from "./operator-access.ts";

/** Whether a request with these headers from this address is let through. */
function isLet(
  remoteAddress: string,
  headers: Readonly<Record<string, string>> = { host: "localhost:9090" },
  { adminApi = false, authorized = false } = {},
): boolean {
  try {
    requireOperator({ headers, socket: { remoteAddress, authorized } } as never, adminApi);
    return true;
  } catch (error) {
    assert.equal((error as { type: string }).type, "forbidden");
    return false;
  }
}

test("operator access: clients of the same machine, by any of its loopback addresses", () => {
  for (const address of ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
    assert.equal(isLet(address), true, address);
  for (const address of ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "1127.0.0.1", ""])
    assert.equal(isLet(address), false, address);
});

test("operator access: whoever comes through a proxy of the same machine is somewhere else", () => {
  for (const name of ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
    assert.equal(isLet("127.0.0.1", { host: "localhost:9090", [name]: "1.2.3.4" }), false, name);
});

test("operator access: pages of other origins in a browser of the same machine are no operators", () => {
  const host = "localhost:9090";
  assert.equal(isLet("127.0.0.1", { host, origin: "http://localhost:9090" }), true);
  assert.equal(isLet("127.0.0.1", { host, origin: "http://evil.example" }), false);
  assert.equal(isLet("127.0.0.1", { host, origin: "null" }), false);
  // A name of the page's own that leads to this machine.
  assert.equal(isLet("127.0.0.1", { host: "evil.example:9090", origin: "http://evil.example:9090" }), false);
  assert.equal(isLet("127.0.0.1", {}), false);
});

test("operator access: certificates and the admin API open the door from anywhere", () => {
  assert.equal(isLet("10.0.0.1", { host: "x" }, { authorized: true }), true);
  assert.equal(isLet("10.0.0.1", { host: "x" }, { adminApi: true }), true);
});
