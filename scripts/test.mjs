// `npm test`: builds, lints, runs every test, and closes with `N passed, N failed`.
// Arguments name parts of file paths: `npm test -- promql` runs only the tests below folders of that name.
import { spawnSync } from "node:child_process";
import { join, relative } from "node:path";
import { run as runTests } from "node:test";
import { build, install, root } from "./lib/bootstrap.mjs";
import { findTests } from "./lib/find-tests.mjs";

/** Files whose duration is told at the end. */
const SHOWN_DURATIONS = 8;

const only = process.argv.slice(2);
install();
await build();
let failed = 0;
let passed = 0;
const skipped = [];
const failures = [];

const lint = spawnSync(join(root, "node_modules/.bin/biome"), ["check", "--error-on-warnings", "."], {
  cwd: root,
  encoding: "utf8",
});
if (lint.status === 0) passed++;
else {
  failed++;
  failures.push("biome check");
  console.log(lint.stdout + lint.stderr);
}

const files = findTests(root).filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
if (files.length === 0) {
  console.error(`no test file matches ${only.join(", ")}`);
  process.exit(1);
}
const timeoutMs = 5 * 60_000;
const started = Date.now();
// Whole programs are tried when all else is done, several at a time, since they mostly wait for each other; those that show that one
// load does not disturb another come last and one by one: a test beside them on the same two cores would.
const isWhole = (file) => file.includes("end-to-end");
const isAlone = (file) => /end-to-end\/(crash|hostile-targets|schedule|shedding|worst-queries)\./.test(file);

// A file and a suite are reported as tests too; only what holds no other test is counted.
const isLeaf = ({ details, name }) =>
  details?.type !== "suite" && !files.some((file) => name === file || name === relative(root, file));
/** How long the tests of each file took, in milliseconds. */
const durations = new Map();
const noteDuration = ({ nesting, file, details }) => {
  if (nesting !== 0 || file === undefined) return;
  const path = relative(root, file);
  durations.set(path, (durations.get(path) ?? 0) + (details?.duration_ms ?? 0));
};

/** Runs files and counts what they report. */
async function runFiles(some, concurrency) {
  if (some.length === 0) return;
  const stream = runTests({ files: some, concurrency, timeout: timeoutMs });
  stream.on("test:pass", (event) => {
    noteDuration(event);
    if (!isLeaf(event)) return;
    if (event.skip !== undefined && event.skip !== false)
      skipped.push(`${event.name}: ${typeof event.skip === "string" ? event.skip : "no reason given"}`);
    else if (event.todo === undefined || event.todo === false) passed++;
  });
  stream.on("test:fail", (event) => {
    noteDuration(event);
    const cause = event.details?.error?.cause ?? event.details?.error;
    if (event.details?.error?.failureType === "subtestsFailed") return;
    failed++;
    const where = event.file ? relative(root, event.file) : "";
    failures.push(`${where} › ${event.name}`);
    console.log(`\nFAILED ${where} › ${event.name}\n${cause?.stack ?? cause ?? ""}`);
    if (cause?.expected !== undefined) console.log("expected:", cause.expected, "\nactual:", cause.actual);
  });
  stream.on("test:stderr", (event) => process.env.NARTHEX_TEST_VERBOSE && process.stderr.write(event.message));
  stream.on("test:stdout", (event) => process.stdout.write(event.message));
  stream.resume();
  await new Promise((resolve) => stream.on("end", resolve));
}

await runFiles(
  files.filter((file) => !isWhole(file)),
  2,
);
await runFiles(
  files.filter((file) => isWhole(file) && !isAlone(file)),
  4,
);
await runFiles(files.filter(isAlone), 1);
if (skipped.length > 0) console.log(`\nskipped:\n${skipped.map((line) => `  ${line}`).join("\n")}`);
if (failures.length > 0) console.log(`\nfailed:\n${failures.map((line) => `  ${line}`).join("\n")}`);
const slowest = [...durations].sort(([, a], [, b]) => b - a).slice(0, SHOWN_DURATIONS);
console.log(`\nslowest: ${slowest.map(([file, ms]) => `${file} ${Math.round(ms / 1000)} s`).join(", ")}`);
console.log(`\n${files.length} files in ${Math.round((Date.now() - started) / 1000)} s`);
console.log(`${passed} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ""}`);
process.exit(failed > 0 ? 1 : 0);
