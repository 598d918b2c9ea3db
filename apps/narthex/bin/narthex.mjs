#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=131072 MALLOC_TRIM_THRESHOLD_=131072 node --max-semi-space-size=1
// The small young generation is worth 35 MB of memory, and costs nothing: what scrapes and queries make lives in typed
// arrays. Whoever starts this file with `node` by hand can give the same flag.
// Keeps compiled code between starts where Node can, and hands over to the launcher.
import module from "node:module";

module.enableCompileCache?.();
const { launch } = await import("../dist/launch.js");
const code = await launch(process.argv.slice(2));
// Pipes may still hold output; the process ends once they have taken it, whatever else is open.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
