import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseWebConfig, WebConfigError } from "./web-config.ts";
import { WebConfigFile } from "./web-config-file.ts";

const HASH = `$2b$10$${"a".repeat(53)}`;

test("web config: an empty file asks for nothing; defaults are the reference's", () => {
  const config = parseWebConfig("", "web.yml");
  assert.equal(config.users.size, 0);
  assert.equal(config.http.http2, true);
  assert.equal(config.tls.minVersion, "TLS12");
  assert.equal(config.tls.maxVersion, "TLS13");
});

test("web config: paths are meant from the file's directory, users and headers are taken over", () => {
  const config = parseWebConfig(
    `tls_server_config: {cert_file: a.pem, key_file: /k.pem}\nbasic_auth_users: {joe: "${HASH}"}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n`,
    "/etc/web.yml",
  );
  assert.equal(config.tls.certFile, "/etc/a.pem");
  assert.equal(config.tls.keyFile, "/k.pem");
  assert.deepEqual([...config.users], [["joe", HASH]]);
  assert.deepEqual([...config.http.headers], [["X-Frame-Options", "deny"]]);
});

for (const [text, message] of [
  ["tls_server_config: {key_file: k}", /^web\.yml:1:\d+: missing one of cert or cert_file$/],
  ["tls_server_config: {cert_file: c}", /missing one of key or key_file/],
  [
    "tls_server_config: {cert_file: c, key_file: k, client_ca_file: a}",
    /client CA's have been configured without a Client Auth Policy/,
  ],
  ["tls_server_config: {client_auth_type: Maybe}", /invalid ClientAuth: Maybe/],
  ["tls_server_config: {cipher_suites: [ROT13]}", /unknown cipher: ROT13/],
  ["tls_server_config: {curve_preferences: [Circle]}", /unknown curve: Circle/],
  ["tls_server_config: {min_version: TLS99}", /unknown TLS version: TLS99/],
  ["http_server_config: {headers: {X-Own: a}}", /HTTP header "X-Own" can not be configured/],
  ["http_server_config: {headers: {X-Frame-Options: perhaps}}", /invalid value for X-Frame-Options/],
  ["basic_auth_users: {joe: plain}", /user "joe": the password is not a bcrypt hash/],
  ["rate_limit: {burst: 3}", /rate_limit is not supported/],
  ["nonsense: 1", /^web\.yml:1:1: field nonsense not found/],
  ["a: [", /^web\.yml:\d+:\d+: /],
] as const) {
  test(`web config: ${JSON.stringify(text)} is refused with its place`, () => {
    assert.throws(
      () => parseWebConfig(text, "web.yml"),
      (error) => {
        assert.ok(error instanceof WebConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}

test("web config: a file is read again when it changes, and an error lasts until it is mended", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-web-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "web.yml");
  let seconds = 1000;
  const write = (text: string): void => {
    writeFileSync(path, text);
    utimesSync(path, ++seconds, seconds);
  };
  write(`basic_auth_users: {joe: "${HASH}"}`);
  const file = new WebConfigFile(path);
  const first = file.current();
  assert.equal(file.current(), first);
  write("basic_auth_users: {joe: x}");
  for (let i = 0; i < 2; i++) assert.throws(() => file.current(), /not a bcrypt hash/);
  write("");
  assert.equal(file.current().config.users.size, 0);
});
