// `test rules`: unit tests of rules.
import { readFileSync, writeFileSync } from "node:fs";
import { compileSearchRegex, RegexSyntaxError, type SearchRegex } from "@narthex/model";
import { goDuration } from "@narthex/toolkit";
import { ConfigError } from "../config/index.ts";
import { parseRuleFile, type RuleGroupSource } from "../rules/rule-file.ts";
import {
  enabledFeatures,
  type FlagNames,
  type ParsedArguments,
  parseArguments,
  requireFiles,
  UsageError,
} from "./arguments.ts";
import { parserFeatures } from "./features.ts";
import { referenceTexts } from "./reference-text.ts";
import type { ToolEnvironment } from "./tool.ts";
import { JunitSuite, junitReport } from "./unit-test/junit.ts";
import { runUnitTest } from "./unit-test/unit-test.ts";
import { parseUnitTests, ruleFilesOf, type UnitTestFile, UnitTestFileError } from "./unit-test/unit-test-file.ts";

const FLAGS: FlagNames = { values: ["run", "junit"], switches: ["debug", "diff", "ignore-unknown-fields"] };
const DEFAULT_INTERVAL_MS = 60_000;

/** `test rules FILE...`: code 1 when any test failed. */
export async function testRules(argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const given = parseArguments(argv, FLAGS);
  if (given.words.length === 0) throw new UsageError("required argument 'test-rule-file' not provided");
  requireFiles(given.words);
  const run = pattern(given.values("run"));
  const suites: JunitSuite[] = [];
  let failed = false;
  for (const path of given.words) {
    const suite = new JunitSuite(path);
    suites.push(suite);
    const faults = await new FileRun(path, suite, given, run, environment).faults();
    if (faults.length === 0) environment.out("  SUCCESS\n");
    else {
      failed = true;
      environment.err("  FAILED:\n");
      for (const fault of faults) {
        environment.err(`${fault}\n`);
        environment.out("\n");
      }
    }
    environment.out("\n");
  }
  const junit = given.value("junit");
  if (junit !== undefined) writeFileSync(junit, junitReport(suites));
  return failed ? 1 : 0;
}

/** One pattern that any of several may match. */
function pattern(patterns: readonly string[]): SearchRegex | undefined {
  if (patterns.length === 0) return undefined;
  try {
    return compileSearchRegex(patterns.join("|"));
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new UsageError(`--run: ${error.message}`);
    throw error;
  }
}

/** The tests of one file. */
class FileRun {
  readonly #path: string;
  readonly #suite: JunitSuite;
  readonly #given: ParsedArguments;
  readonly #run: SearchRegex | undefined;
  readonly #environment: ToolEnvironment;

  constructor(
    path: string,
    suite: JunitSuite,
    given: ParsedArguments,
    run: SearchRegex | undefined,
    environment: ToolEnvironment,
  ) {
    this.#path = path;
    this.#suite = suite;
    this.#given = given;
    this.#run = run;
    this.#environment = environment;
  }

  async faults(): Promise<string[]> {
    let file: UnitTestFile;
    let ruleFiles: readonly string[];
    try {
      file = parseUnitTests(readFileSync(this.#path, "utf8"));
      const { err } = this.#environment;
      ruleFiles = ruleFilesOf(file, this.#path, (missing) => err(`  WARNING: no file match pattern ${missing}\n`));
      const repeated = file.groupOrder.find((name, i) => file.groupOrder.indexOf(name) < i);
      if (repeated !== undefined) throw new UnitTestFileError(`group name repeated in evaluation order: ${repeated}`);
    } catch (error) {
      if (!(error instanceof UnitTestFileError) && (error as NodeJS.ErrnoException).code === undefined) throw error;
      this.#suite.abort((error as Error).message);
      return [(error as Error).message];
    }
    this.#suite.begin(this.#environment.now());
    const faults: string[] = [];
    for (const [i, test] of file.tests.entries()) {
      if (this.#run?.find(test.name) === false) continue;
      const name = test.name === "" ? `unnamed#${i}` : test.name;
      const found = await this.#test(name, i, file, ruleFiles);
      this.#suite.add(name, found);
      faults.push(...found);
    }
    return faults;
  }

  async #test(name: string, index: number, file: UnitTestFile, ruleFiles: readonly string[]): Promise<string[]> {
    const test = file.tests[index] as UnitTestFile["tests"][number];
    const evaluationIntervalMs = file.evaluationIntervalMs || DEFAULT_INTERVAL_MS;
    const intervalMs = test.intervalMs || evaluationIntervalMs;
    const { err } = this.#environment;
    const debug = this.#given.has("debug") ? err : undefined;
    const begun = performance.now();
    debug?.(`DEBUG: Starting test ${name}\n`);
    const features = parserFeatures(enabledFeatures(this.#given));
    let faults: string[];
    try {
      faults = await runUnitTest({ ...test, intervalMs }, this.#load(ruleFiles), {
        evaluationIntervalMs,
        groupOrder: file.groupOrder,
        fuzzy: file.fuzzyCompare,
        diff: this.#given.has("diff"),
        features,
        ...(debug === undefined ? {} : { debug }),
      });
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults = referenceTexts(error);
    }
    debug?.(`DEBUG: Test ${name} finished, took ${goDuration(performance.now() - begun)}\n`);
    return faults;
  }

  /** As the reference does, the first file that cannot be loaded ends it. Throws a `ConfigError`. */
  #load(ruleFiles: readonly string[]): RuleGroupSource[] {
    const parser = parserFeatures(enabledFeatures(this.#given));
    const ignoreUnknownFields = this.#given.has("ignore-unknown-fields");
    return ruleFiles.flatMap((path) =>
      parseRuleFile(readFileSync(path, "utf8"), path, { parser, ignoreUnknownFields }),
    );
  }
}
