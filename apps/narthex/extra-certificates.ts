// The certificates of NODE_EXTRA_CA_CERTS, read when something first asks for TLS. Node reads them before anything else, whether or not
// a connection will ever ask for them; bin/narthex.cjs keeps them from it.
import { readFileSync } from "node:fs";
import Module from "node:module";
import type { SecureContext, SecureContextOptions } from "node:tls";

/** Under this name bin/narthex.cjs hands the file over. */
const KEPT_NAME = "NARTHEX_EXTRA_CA_CERTS";

/**
 * Where bin/narthex.cjs kept a file from Node, clients that trust the authorities which Node knows trust those in it as well, and the
 * environment gets the file back under its own name, for the programs that this one starts. TLS must be asked for by `require` or
 * `process.getBuiltinModule` before anything else imports it; the global `fetch` and other threads do not see the file.
 */
export function trustExtraCertificates(env: NodeJS.ProcessEnv): void {
  const file = env[KEPT_NAME];
  if (file === undefined) return;
  delete env[KEPT_NAME];
  env["NODE_EXTRA_CA_CERTS"] = file;
  onceTlsIsAsked(() => {
    const tls = process.getBuiltinModule("node:tls");
    tls.createSecureContext = trusting(tls.createSecureContext, () => readAuthorities(file));
    Module.syncBuiltinESMExports();
  });
}

type CreateSecureContext = (options?: SecureContextOptions) => SecureContext;

/**
 * Whoever names authorities trusts no others, and with `crl` and `pfx` Node itself leaves the extra ones out. `sessionIdContext` marks a
 * server: those that check their clients are left to Node by bin/narthex.cjs.
 */
const OWN_TRUST = ["ca", "crl", "pfx", "sessionIdContext"] as const satisfies readonly (keyof SecureContextOptions)[];

/** What else a secure context is made of in Node 20; whatever else this Node reads is found out by `partsOf`. */
const PARTS: readonly string[] = (
  "allowPartialTrustChain cert ciphers clientCertEngine dhparam ecdhCurve honorCipherOrder key maxVersion minVersion passphrase " +
  "privateKeyEngine privateKeyIdentifier secureOptions secureProtocol sessionTimeout sigalgs ticketKeys"
).split(" ");

/** The options that `createSecureContext` reads: where one of them differs, so do contexts. */
function partsOf(createSecureContext: CreateSecureContext): readonly (keyof SecureContextOptions)[] {
  const names = new Set(PARTS);
  const probe = new Proxy({} as SecureContextOptions, {
    get(_, name) {
      names.add(String(name));
      return undefined;
    },
  });
  createSecureContext(probe);
  return [...names] as (keyof SecureContextOptions)[];
}

/** Each holds all authorities: some 200 KB. */
const MAX_CONTEXTS = 64;

/**
 * `createSecureContext`, but with `authorities` (PEM, asked for once) beside those that Node knows. Node makes a context for each
 * connection, and one with authorities of its own takes milliseconds: connections with the same options share one, of which the
 * last used are kept.
 */
export function trusting(createSecureContext: CreateSecureContext, authorities: () => string): CreateSecureContext {
  let extra: string | undefined;
  let names: readonly (keyof SecureContextOptions)[] | undefined;
  const made: { readonly parts: readonly unknown[]; readonly context: SecureContext }[] = [];
  return (given) => {
    const options = given ?? {};
    extra ??= authorities();
    if (extra === "" || OWN_TRUST.some((name) => options[name])) return createSecureContext(options);
    names ??= partsOf(createSecureContext);
    const parts = names.map((name) => options[name]);
    const index = made.findIndex((each) => each.parts.every((part, i) => part === parts[i]));
    const [known] = index < 0 ? [] : made.splice(index, 1);
    const kept = known ?? { parts, context: createSecureContext(options) };
    if (known === undefined) (kept.context as NativeContext).context.addCACert(extra);
    made.push(kept);
    if (made.length > MAX_CONTEXTS) made.shift();
    return kept.context;
  };
}

/** What Node's own `ca` option calls. */
type NativeContext = SecureContext & { readonly context: { addCACert(pem: string): void } };

const CERTIFICATE = /^-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+^-----END (?:X509 )?CERTIFICATE-----/gm;

/** In front of a file, as its bytes. */
const BYTE_ORDER_MARK = /^\u00ef\u00bb\u00bf/;

/**
 * The certificates in `file` that Node does not know by itself, as PEM. What cannot be read is told in a warning and left out, those
 * behind it are read on: Node would tell of it, and leave them out too.
 */
export function readAuthorities(file: string): string {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  const known = new Set(builtInAuthorities().map(bare));
  const ignore = (what: string, error: unknown): void =>
    process.emitWarning(`Ignoring ${what} of NODE_EXTRA_CA_CERTS (${file}): ${(error as Error).message}`);
  try {
    const text = readFileSync(file, "latin1").replace(BYTE_ORDER_MARK, "");
    const found = text.match(CERTIFICATE) ?? [];
    if (found.length === 0) throw new Error("it holds no certificate");
    const unknown: string[] = [];
    found.forEach((pem, i) => {
      if (known.has(bare(pem))) return;
      try {
        // Written anew: settings of trust that may stand behind a certificate are not for Node.
        unknown.push(new X509Certificate(pem).toString());
      } catch (error) {
        ignore(`certificate ${i + 1}`, error);
      }
    });
    return unknown.join("");
  } catch (error) {
    ignore("the file", error);
    return "";
  }
}

/** What Node was compiled with, unless it was told to go by OpenSSL's own store, which nobody can look into. */
function builtInAuthorities(): readonly string[] {
  const { target_defaults: { defines = [] } = {} } = process.config as { target_defaults?: { defines?: unknown[] } };
  const usesOther = defines.some((define) => String(define).startsWith("NODE_OPENSSL_CERT_STORE"));
  return usesOther ? [] : process.getBuiltinModule("node:tls").rootCertificates;
}

/** The text between the marks, without breaks. */
function bare(pem: string): string {
  return pem.replace(/-----[^-]+-----|\s/g, "");
}

/** Modules by which connections are made. */
const TLS_MODULES = /^(?:node:)?(?:tls|https|http2)$/;

/** Calls `prepare` before the first of them is handed out: loading them takes longer than many a command. */
function onceTlsIsAsked(prepare: () => void): void {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const { _load: load } = loader;
  const { getBuiltinModule } = process;
  let isPrepared = false;
  const notice = (request: string): void => {
    if (isPrepared || !TLS_MODULES.test(request)) return;
    isPrepared = true;
    if (loader._load === noticingLoad) loader._load = load;
    if (process.getBuiltinModule === noticingGet) process.getBuiltinModule = getBuiltinModule;
    prepare();
  };
  const noticingLoad = function (this: unknown, request: string, ...rest: unknown[]): unknown {
    notice(request);
    return load.call(this, request, ...rest);
  };
  const noticingGet = ((name: string) => {
    notice(name);
    return getBuiltinModule(name);
  }) as typeof getBuiltinModule;
  loader._load = noticingLoad;
  process.getBuiltinModule = noticingGet;
}
