#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 node
// The allocator's settings keep what threads and buffers free from staying with the process: 7 MB. No flag for the engine stands
// here: with any of them it throws away the compiled code of Node's own modules, which costs 5 ms of a start and 20 ms of each thread.
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
  const code = await launcher.launch(process.argv.slice(2), launcher.processEnvironment(home));
  // Pipes may still hold output; the process ends once they have taken it, whatever else is open.
  process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
}

run();
