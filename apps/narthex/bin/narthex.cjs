#!/bin/sh
":" /* For the shell, since what could do the same in the first line, env -S, is unknown to Alpine and to the scripts of pnpm.
# Node reads the certificates of NODE_EXTRA_CA_CERTS before anything else, 40 ms for those of a Linux distribution, whether or not
# they will be asked for. They are kept from it and read when a client asks: see extra-certificates.ts. It reads them as ever where it
# was told to go by another store, and where a server might check its clients by them.
case "${NODE_OPTIONS-} $*" in
  *openssl[-_]ca* | *system[-_]ca* | *web.config.file* | *tls-config*) ;;
  *)
    if [ -n "${NODE_EXTRA_CA_CERTS-}" ]; then
      export NARTHEX_EXTRA_CA_CERTS="$NODE_EXTRA_CA_CERTS"
      unset NODE_EXTRA_CA_CERTS
    fi
    ;;
esac
# The allocator's settings keep what threads and buffers free from staying with the process: 7 MB. No flag for the engine stands
# here: with any of them it throws away the compiled code of Node's own modules, which costs 5 ms of a start and 20 ms of each thread.
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072
exec node "$0" "$@"
*/
// Hands over to the launcher: the bundled one, since reading ES modules costs as much as starting Node does, unless the launcher
// was compiled after it.
const { statSync } = require("node:fs");
const module_ = require("node:module");
const { join } = require("node:path");

const home = join(__dirname, "..");
const bundle = join(home, "dist/bundle/launch.js");
const modified = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

async function run() {
  const single = join(home, "dist/launch.js");
  if (modified(bundle) < modified(single)) module_.enableCompileCache?.();
  const launcher = modified(bundle) < modified(single) ? await import("../dist/launch.js") : require(bundle);
  launcher.trustExtraCertificates(process.env);
  const code = await launcher.launch(process.argv.slice(2), launcher.processEnvironment(home));
  // Pipes may still hold output; the process ends once they have taken it, whatever else is open.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

run();
