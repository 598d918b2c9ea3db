#!/usr/bin/env -S NARTHEX_CA=${NODE_EXTRA_CA_CERTS} NODE_EXTRA_CA_CERTS= MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=131072 node
// The first line has no more than the 126 characters that kernels before 5.1 take. It keeps certificates from Node: see
// extra-certificates.cjs. The allocator's settings keep what threads and buffers free from staying with the process: 7 MB; one threshold
// that is set keeps both from growing. No flag for the engine stands there: with any of them it throws away the compiled code of Node's
// own modules, which costs 5 ms of a start and 20 ms of each thread.
// Hands over to the launcher: the bundled one, since reading ES modules costs as much as starting Node does, unless the launcher
// was compiled after it.
const { statSync } = require("node:fs");
const module_ = require("node:module");
const { join } = require("node:path");

const home = join(__dirname, "..");
const bundle = join(home, "dist/bundle/launch.js");
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Undoes what the first line did to the environment: for the programs that this one starts. */
function restoreEnvironment(isBundled) {
  const { env } = process;
  const { NARTHEX_CA: certificates } = env;
  if (certificates === undefined) return;
  delete env.NARTHEX_CA;
  delete env.NODE_EXTRA_CA_CERTS;
  if (certificates === "") return;
  env.NODE_EXTRA_CA_CERTS = certificates;
  require("./extra-certificates.cjs").trustExtra(certificates, isBundled);
}

async function run() {
  const single = join(home, "dist/launch.js");
  const isBundled = modified(bundle) >= modified(single);
  if (!isBundled) module_.enableCompileCache?.();
  restoreEnvironment(isBundled);
  const launcher = isBundled ? require(bundle) : await import("../dist/launch.js");
  const code = await launcher.launch(process.argv.slice(2), launcher.processEnvironment(home));
  // Pipes may still hold output; the process ends once they have taken it, whatever else is open.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

run();
