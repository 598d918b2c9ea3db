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
 * `process.getBuiltinModule` before anything else imports it.
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

/** Whoever names authorities trusts no others; servers, which alone are given a place for their sessions, do not ask for any. */
const OWN_TRUST = ["ca", "sessionIdContext"] as const satisfies readonly (keyof SecureContextOptions)[];

/** What else a secure context is made of; the test holds it against what Node reads. */
const PARTS = [
  ...[
    "allowPartialTrustChain",
    "cert",
    "ciphers",
    "clientCertEngine",
    "crl",
    "dhparam",
    "ecdhCurve",
    "honorCipherOrder",
  ],
  ...["key", "maxVersion", "minVersion", "passphrase", "pfx", "privateKeyEngine", "privateKeyIdentifier"],
  ...["secureOptions", "secureProtocol", "sessionTimeout", "sigalgs", "ticketKeys"],
] as readonly (keyof SecureContextOptions)[];

/** Each holds all authorities: some 200 KB. */
const MAX_CONTEXTS = 64;

/**
 * `createSecureContext`, but with `authorities` (PEM, asked for once) beside those that Node knows. Node makes a context for each
 * connection, and one with authorities of its own takes milliseconds: connections with the same options share one, of which the
 * last used are kept.
 */
export function trusting(createSecureContext: CreateSecureContext, authorities: () => string): CreateSecureContext {
  let extra: string | undefined;
  const made: { readonly parts: readonly unknown[]; readonly context: SecureContext }[] = [];
  return (options = {}) => {
    extra ??= authorities();
    if (extra === "" || OWN_TRUST.some((name) => options[name])) return createSecureContext(options);
    const parts = PARTS.map((name) => options[name]);
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

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g;

/** The certificates in `file` that Node does not know by itself, as PEM. What cannot be read is told in a warning, and left out. */
export function readAuthorities(file: string): string {
  const { X509Certificate } = process.getBuiltinModule("node:crypto");
  const { rootCertificates } = process.getBuiltinModule("node:tls");
  const bare = (pem: string): string => pem.replace(/-----[^-]+-----|\s/g, "");
  const ignore = (what: string, error: unknown): void =>
    process.emitWarning(`Ignoring ${what} of NODE_EXTRA_CA_CERTS (${file}): ${(error as Error).message}`);
  const known = new Set(rootCertificates.map(bare));
  try {
    const found = readFileSync(file, "latin1").match(CERTIFICATE) ?? [];
    if (found.length === 0) throw new Error("it holds no certificate");
    const unknown = found.filter((pem, i) => {
      if (known.has(bare(pem))) return false;
      try {
        new X509Certificate(pem);
        return true;
      } catch (error) {
        ignore(`certificate ${i + 1}`, error);
        return false;
      }
    });
    return unknown.join("\n");
  } catch (error) {
    ignore("the file", error);
    return "";
  }
}

/** Modules by which connections are made. */
const TLS_MODULES = /^(?:node:)?(?:tls|https|http2)$/;

/** Calls `prepare` before the first of them is handed out: loading them takes longer than many a command. */
function onceTlsIsAsked(prepare: () => void): void {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown };
  const { _load: load } = loader;
  const { getBuiltinModule } = process;
  const notice = (request: string): void => {
    if (!TLS_MODULES.test(request)) return;
    loader._load = load;
    process.getBuiltinModule = getBuiltinModule;
    prepare();
  };
  loader._load = function (this: unknown, request, ...rest) {
    notice(request);
    return load.call(this, request, ...rest);
  };
  process.getBuiltinModule = ((name: string) => {
    notice(name);
    return getBuiltinModule(name);
  }) as typeof getBuiltinModule;
}
