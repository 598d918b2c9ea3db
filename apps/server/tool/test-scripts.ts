// `test promql`: runs PromQL test scripts against the engine.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { Engine, runScripts } from "@narthex/promql";
import { parseArguments, requireFiles, UsageError } from "./arguments.ts";
import type { ToolEnvironment } from "./tool.ts";

/** Samples a script's query may hold, as in the reference's own runs. */
const MAX_SAMPLES = 10_000;

/** `test promql FILE...`: prints what failed and closes with `N passed, N failed`; code 1 when any case failed. */
export function testScripts(argv: readonly string[], { out }: ToolEnvironment): number {
  const { words: files } = parseArguments(argv, {});
  if (files.length === 0) throw new UsageError("required argument 'test-script-file' not provided");
  requireFiles(files);
  // Every feature is on, as scripts are written for it.
  const engine = new Engine({
    maxSamples: MAX_SAMPLES,
    experimentalFunctions: true,
    extendedRangeSelectors: true,
    fillModifiers: true,
    delayedNameRemoval: true,
    useStartTimestamps: true,
  });
  const scripts = files.map((file) => ({ name: basename(file), text: readFileSync(file, "utf8") }));
  const { text, failed } = runScripts(scripts, engine);
  out(`${text}\n`);
  return failed === 0 ? 0 : 1;
}
