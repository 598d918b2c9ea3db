// `npm run bench`: builds, then runs every micro-benchmark, one after the other, so that they do not disturb each other.
// Arguments name parts of file paths: `npm run bench -- kernels` runs only those whose path has that word.
import { spawnSync } from "node:child_process";
import { relative } from "node:path";
import { build, install, root } from "./lib/bootstrap.mjs";
import { findBenches } from "./lib/find-tests.mjs";

const only = process.argv.slice(2);
install();
await build();
const files = findBenches(root).filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`no benchmark matches ${only.join(", ")}`);
  process.exit(1);
}
const failed = [];
for (const file of files) {
  const name = relative(root, file);
  console.log(`\n== ${name}`);
  const { status } = spawnSync(process.execPath, ["--expose-gc", file], { cwd: root, stdio: "inherit" });
  if (status !== 0) failed.push(name);
}
console.log(
  `\n${files.length} benchmarks, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(", ")}` : ""}`,
);
process.exit(failed.length > 0 ? 1 : 0);
