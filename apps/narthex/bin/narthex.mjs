#!/usr/bin/env node
// Keeps compiled code between starts where Node can, and hands over to the launcher.
import module from "node:module";

module.enableCompileCache?.();
const { launch } = await import("../dist/launch.js");
const code = await launch(process.argv.slice(2));
// Pipes may still hold output; the process ends once they have taken it, whatever else is open.
process.stdout.write("", () => process.stderr.write("", () => process.exit(code)));
