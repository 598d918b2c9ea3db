// The certificates of NODE_EXTRA_CA_CERTS. Node reads them before anything else, which takes 40 ms for those of a Linux distribution,
// whether or not a connection will ever ask for them; so the launcher's first line keeps them from it, and they are read here.
const { readFileSync } = require("node:fs");
const Module = require("node:module");

/** Modules that make connections by TLS. */
const TLS_MODULES = /^(node:)?(tls|https|http2)$/;
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/g;

/**
 * From now on clients that trust the authorities that Node knows trust those in `file` as well. `isWhenUsed`: begins when a module asks
 * for TLS by `require`, since loading it takes longer than many a command.
 */
function trustExtra(file, isWhenUsed) {
  if (!isWhenUsed) {
    extendTls(file);
    return;
  }
  const load = Module._load;
  Module._load = function (request, ...rest) {
    if (TLS_MODULES.test(request)) {
      Module._load = load;
      extendTls(file);
    }
    return load.call(this, request, ...rest);
  };
}

function extendTls(file) {
  const tls = require("node:tls");
  const { createSecureContext } = tls;
  let certificates;
  tls.createSecureContext = (options = {}) => {
    const context = createSecureContext(options);
    // Who names authorities trusts no others. Servers, whose contexts alone are given a place for sessions, would tell clients of them.
    if (options.ca || "sessionIdContext" in options) return context;
    certificates ??= readExtra(file, tls.rootCertificates);
    if (certificates !== "") context.context.addCACert(certificates);
    return context;
  };
  Module.syncBuiltinESMExports();
}

/** The certificates in `file` that Node does not know, as text. Where it cannot be read, that is told as Node does it. */
function readExtra(file, known) {
  const bare = (text) => text.replace(/-----[^-]+-----|\s/g, "");
  const knownTexts = new Set(known.map(bare));
  try {
    const found = readFileSync(file, "latin1").match(CERTIFICATE) ?? [];
    if (found.length === 0) throw new Error("it holds no certificate");
    return found.filter((text) => !knownTexts.has(bare(text))).join("\n");
  } catch (error) {
    process.emitWarning(`Ignoring extra certs from \`${file}\`, load failed: ${error.message}`);
    return "";
  }
}

module.exports = { trustExtra };
