// NODE_EXTRA_CA_CERTS, which the launcher reads later than Node would: who asks a server by TLS finds the authorities in it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { rootCertificates } from "node:tls";
import { runToEnd, scratch } from "../lib/program.mjs";
import { makeCertificate } from "../lib/smtp-catcher.mjs";

test("launcher: clients trust the certificates of NODE_EXTRA_CA_CERTS besides those that Node knows", async (t) => {
  const folder = scratch(t);
  const made = makeCertificate(folder);
  if (made === undefined) {
    t.skip("no openssl to make certificates with");
    return;
  }
  const { cert, key } = made;
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (_request, response) => {
    response.end('{"status":"success","data":{"resultType":"scalar","result":[1,"42"]}}');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  // As in the file of a distribution: what Node knows stands there too.
  const many = join(folder, "many.pem");
  writeFileSync(many, [...rootCertificates.slice(0, 20), readFileSync(cert, "latin1"), "a comment\n"].join("\n"));
  const ask = (extra, nodeOptions = "") => {
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: extra, NODE_OPTIONS: nodeOptions };
    if (extra === undefined) delete env.NODE_EXTRA_CA_CERTS;
    return runToEnd(["tool", "query", "instant", `https://localhost:${server.address().port}`, "42"], { env });
  };
  // With OpenSSL's own store Node reads them itself.
  for (const [file, options] of [[cert], [many], [cert, "--use-openssl-ca"]]) {
    const { code, stdout, stderr } = await ask(file, options);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /42/);
    assert.equal(stderr, "");
  }
  for (const file of [undefined, "", join(folder, "none.pem"), key]) {
    const { code, stderr } = await ask(file);
    assert.notEqual(code, 0);
    assert.match(stderr, /self-signed certificate/);
    assert.equal(/Ignoring the file of NODE_EXTRA_CA_CERTS/.test(stderr), Boolean(file), stderr);
  }
});
