import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import tls, { type SecureContext, type SecureContextOptions } from "node:tls";
import { readAuthorities, trusting } from "./extra-certificates.ts";

/** Contexts that tell what they were made of and what was added to them. */
interface TestContext {
  readonly options: SecureContextOptions;
  readonly context: { readonly added: string[]; addCACert(pem: string): void };
}

function makeContext(options: SecureContextOptions = {}): SecureContext {
  const added: string[] = [];
  return { options, context: { added, addCACert: (pem: string) => void added.push(pem) } } as unknown as SecureContext;
}

function contexts(authorities: () => string = () => "EXTRA"): (options?: SecureContextOptions) => TestContext {
  const create = trusting(makeContext, authorities);
  return (options) => create(options) as unknown as TestContext;
}

test("connections with the same options share a context, whatever else is said of them", () => {
  const create = contexts();
  const key = Buffer.from("key");
  const first = create({ key, minVersion: "TLSv1.2", host: "a" } as SecureContextOptions);
  assert.deepEqual(first.context.added, ["EXTRA"]);
  assert.equal(create({ key, minVersion: "TLSv1.2", host: "b" } as SecureContextOptions), first);
  assert.deepEqual(first.context.added, ["EXTRA"]);
  assert.notEqual(create({ key, minVersion: "TLSv1.3" }), first);
  assert.notEqual(create({ key: Buffer.from("key"), minVersion: "TLSv1.2" }), first);
  assert.notEqual(create(), first);
  assert.equal(create(), create({}));
});

test("who names authorities, and servers, get contexts of their own without the extra ones", () => {
  const create = contexts();
  for (const options of [{ ca: "OWN" }, { sessionIdContext: "server" }, { crl: "LIST" }, { pfx: "STORE" }]) {
    const context = create(options);
    assert.deepEqual(context.context.added, []);
    assert.notEqual(create(options), context);
  }
});

test("no options are options too", () => {
  const create = trusting(makeContext, () => "EXTRA");
  assert.equal(create(null as unknown as undefined), create());
});

test("authorities are read once, when the first context is made; without any nothing is shared", () => {
  let reads = 0;
  const create = contexts(() => {
    reads++;
    return "";
  });
  assert.equal(reads, 0);
  assert.notEqual(create(), create());
  assert.equal(reads, 1);
});

test("64 contexts are kept, those used last", () => {
  const create = contexts();
  const of = (timeout: number): TestContext => create({ sessionTimeout: timeout });
  const made = Array.from({ length: 64 }, (_, i) => of(i + 1));
  assert.equal(of(1), made[0]);
  of(65);
  assert.equal(of(1), made[0]);
  assert.notEqual(of(2), made[1]);
});

test("whatever Node makes a context of tells contexts apart", () => {
  const read: string[] = [];
  tls.createSecureContext(
    new Proxy({} as SecureContextOptions, {
      get(_, name) {
        read.push(String(name));
        return undefined;
      },
    }),
  );
  assert.ok(read.length > 15, `Node read only ${read}`);
  for (const name of new Set(read)) {
    const create = contexts();
    assert.notEqual(create({ [name]: "a" }), create({ [name]: "b" }), name);
  }
});

test("authorities that Node knows are left out, what is no certificate is told and left out", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const warnings: string[] = [];
  t.mock.method(process, "emitWarning", (text: string) => warnings.push(text));
  const [known = "", other = ""] = tls.rootCertificates;
  // Another certificate than those that Node knows: the signature of one, changed.
  const strange = other.replace(/(.)(=*\n-----END)/, (_, last, end) => (last === "A" ? "Q" : "A") + end);
  const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
  const file = join(folder, "extra.pem");
  const read = (text: string): string => {
    warnings.length = 0;
    writeFileSync(file, text);
    return readAuthorities(file);
  };
  const written = new X509Certificate(strange).toString();
  assert.equal(read(`# a comment\n${known.replaceAll("\n", "\r\n")}\n${strange}\n`), written);
  assert.equal(read(`\ufeff${strange}`), written);
  // What somebody took out is out, as for Node.
  assert.equal(read(`#${strange}\n${strange}`), written);
  assert.deepEqual(warnings, []);
  assert.equal(read(`#${strange}\n`), "");
  assert.match(warnings.join(), /it holds no certificate$/);
  assert.equal(read(`${broken}\n${strange}`), written);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /^Ignoring certificate 1 of NODE_EXTRA_CA_CERTS \(.*extra\.pem\): /);
  assert.equal(read("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"), "");
  assert.match(warnings.join(), /^Ignoring the file of NODE_EXTRA_CA_CERTS \(.*extra\.pem\): it holds no certificate$/);
  warnings.length = 0;
  assert.equal(readAuthorities(join(folder, "none.pem")), "");
  assert.match(warnings.join(), /ENOENT/);
});
