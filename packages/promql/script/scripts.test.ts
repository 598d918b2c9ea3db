// Runs the scripts: our own, all of which must pass, and the reference's where they are at hand.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Engine } from "../engine/engine.ts";
import { runScripts, type ScriptsReport } from "./script-runner.ts";

const OURS = new URL("../../testdata/", import.meta.url);
const REFERENCE = new URL("../../../../../shared/conformance/data/promql/", import.meta.url);

/** Cases of the reference's scripts that fail still. Only ever take away from here. */
const EXPECTED_FAILURES: Readonly<Record<string, number>> = {};

/** What the reference runs its scripts with. */
function newEngine(): Engine {
  return new Engine({
    lookbackDeltaMs: 300_000,
    maxSamples: 10_000,
    experimentalFunctions: true,
    extendedRangeSelectors: true,
    fillModifiers: true,
    delayedNameRemoval: true,
    useStartTimestamps: true,
  });
}

function run(folder: URL): ScriptsReport {
  const names = readdirSync(folder).filter((name) => name.endsWith(".test"));
  return runScripts(
    names.sort().map((name) => ({ name, text: readFileSync(new URL(name, folder), "utf8") })),
    newEngine(),
  );
}

test("scripts: all of ours pass", () => {
  const { text, passed, failed } = run(OURS);
  assert.equal(failed, 0, text);
  assert.ok(passed > 100, `only ${passed} cases were found`);
});

const skip = existsSync(REFERENCE) ? false : "the reference's scripts are not beside this repository";

test("scripts: the reference's pass, but for those known to fail", { skip }, (context) => {
  const { files, text, passed, failed } = run(REFERENCE);
  for (const { name, report } of files) {
    const allowed = EXPECTED_FAILURES[name] ?? 0;
    assert.ok(report.failed <= allowed, `${name}: ${report.failed} cases fail, ${allowed} are known to\n${text}`);
    if (report.failed > 0) context.diagnostic(`${name}: ${report.failed} of ${report.cases.length} cases fail`);
  }
  assert.ok(files.length > 10 && passed > 1000, `only ${passed} cases of ${files.length} files pass`);
  context.diagnostic(`${passed} passed, ${failed} failed`);
});
