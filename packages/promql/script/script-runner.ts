// Runs test scripts: loads their samples into a storage in memory and asks an engine.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import { Append, MemoryStorage, type Queryable, type SeriesRef } from "@narthex/storage";
import type { MatrixValue, QueryResult, QueryValue, VectorElement } from "../engine/result.ts";
import type { Expr } from "../parser/ast.ts";
import type { SequenceValue } from "../parser/series-parser.ts";
import { customHistograms } from "./custom-histograms.ts";
import {
  checkFailure,
  checkResult,
  checkSorted,
  checkValue,
  describeLabels,
  type Fault,
  pointsOf,
} from "./expectation.ts";
import { type EvalCommand, type LoadCommand, ScriptError } from "./script.ts";
import { parseScript } from "./script-parser.ts";
import { withStoredHints } from "./stored-hints.ts";
import { otherTimes, pinExpr } from "./variants.ts";

/** What a script needs of an engine: answers or throws an Error whose message is the reference's. Times in milliseconds. */
export interface ScriptEngine {
  instantQuery(queryable: Queryable, expr: Expr, timeMs: number): QueryResult;
  rangeQuery(queryable: Queryable, expr: Expr, startMs: number, endMs: number, stepMs: number): QueryResult;
}

/** What became of one `eval`. */
export interface CaseReport {
  readonly line: number;
  readonly query: string;
  /** What went wrong; undefined when the case passed. */
  readonly fault: string | undefined;
}

export interface ScriptReport {
  readonly cases: readonly CaseReport[];
  readonly passed: number;
  readonly failed: number;
}

/**
 * Runs a whole script; a failing case does not stop it. Each instant query is also asked as the middle step of a range
 * query, and pinned with `@` at other times. Throws a `ScriptError` when the script cannot be read or its samples loaded.
 */
export function runScript(text: string, engine: ScriptEngine): ScriptReport {
  const runner = new ScriptRunner(engine);
  const cases: CaseReport[] = [];
  for (const command of parseScript(text)) {
    switch (command.kind) {
      case "clear":
        runner.clear();
        break;
      case "load":
        runner.load(command);
        break;
      case "eval":
        cases.push({ line: command.line, query: command.text, fault: runner.evaluate(command) });
    }
  }
  const failed = cases.filter(({ fault }) => fault !== undefined).length;
  return { cases, passed: cases.length - failed, failed };
}

export interface NamedScript {
  readonly name: string;
  readonly text: string;
}

export interface ScriptsReport {
  /** By script, in the order given; a script that could not be read or loaded counts as one failed case. */
  readonly files: readonly { readonly name: string; readonly report: ScriptReport }[];
  readonly passed: number;
  readonly failed: number;
  /** For people: a line per script, each failed case below its script, and `N passed, N failed` at the end. */
  readonly text: string;
}

/** Runs several scripts, one after another, each on a storage of its own. Never throws for what stands in a script. */
export function runScripts(scripts: readonly NamedScript[], engine: ScriptEngine): ScriptsReport {
  const lines: string[] = [];
  let passed = 0;
  let failed = 0;
  const files = scripts.map(({ name, text }) => {
    const report = runWhole(text, engine);
    lines.push(`${name}: ${report.passed} passed, ${report.failed} failed`);
    for (const { line, query, fault } of report.cases) {
      if (fault !== undefined) lines.push(`  ${name}:${line}: ${query}`, `    ${fault}`);
    }
    passed += report.passed;
    failed += report.failed;
    return { name, report };
  });
  lines.push(`${passed} passed, ${failed} failed`);
  return { files, passed, failed, text: lines.join("\n") };
}

function runWhole(text: string, engine: ScriptEngine): ScriptReport {
  try {
    return runScript(text, engine);
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    return { cases: [{ line: error.line, query: "", fault: error.message }], passed: 0, failed: 1 };
  }
}

/** Loads a script that has nothing but `load` commands, its time 0 being `startMs`. Throws a `ScriptError` for any other. */
export function loadScript(text: string, startMs = 0): MemoryStorage {
  const storage = new MemoryStorage();
  for (const command of parseScript(text)) {
    if (command.kind !== "load") throw new ScriptError(command.line, "only load commands are allowed here");
    loadSeries(storage, command, startMs);
  }
  return storage;
}

const STEP_MS = 60_000;

class ScriptRunner {
  readonly #engine: ScriptEngine;
  #storage = new MemoryStorage();

  constructor(engine: ScriptEngine) {
    this.#engine = engine;
  }

  clear(): void {
    this.#storage = new MemoryStorage();
  }

  load(command: LoadCommand): void {
    loadSeries(this.#storage, command);
  }

  evaluate(command: EvalCommand): Fault {
    const { startMs, endMs, stepMs, expr, isRange } = command;
    if (isRange) {
      const outcome = this.#ask(() => this.#engine.rangeQuery(this.#storage, expr, startMs, endMs, stepMs));
      return checkOutcome(command, outcome);
    }
    const fault = this.#instant(command, expr, startMs);
    if (fault !== undefined) return fault;
    const pinned = pinExpr(expr, startMs);
    if (pinned === undefined) return undefined;
    for (const t of otherTimes(startMs)) {
      const pinnedFault = this.#instant(command, pinned, t);
      if (pinnedFault !== undefined) return `pinned to ${startMs} and asked at ${t}: ${pinnedFault}`;
    }
    return undefined;
  }

  #instant(command: EvalCommand, expr: Expr, t: number): Fault {
    const outcome = this.#ask(() => this.#engine.instantQuery(this.#storage, expr, t));
    const fault = checkOutcome(command, outcome);
    if (fault !== undefined || outcome instanceof Error) return fault;
    const { string, rangeVector, ordered } = command.expected;
    const wholeRange = /(start|end|range|step)\(\)/.test(command.text);
    if (string !== undefined || rangeVector !== undefined || wholeRange) return undefined;
    const ranged = this.#ask(() => this.#engine.rangeQuery(this.#storage, expr, t - STEP_MS, t + STEP_MS, STEP_MS));
    if (ranged instanceof Error) return `as a step of a range query: failed: ${ranged.message}`;
    if (ordered) return undefined;
    const rangeFault = checkStep(command, outcome.value, ranged.value, t);
    return rangeFault === undefined ? undefined : `as a step of a range query: ${rangeFault}`;
  }

  #ask(ask: () => QueryResult): QueryResult | Error {
    try {
      return ask();
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

function checkOutcome(command: EvalCommand, outcome: QueryResult | Error): Fault {
  if (outcome instanceof Error) return checkFailure(command, outcome);
  if (command.expected.fail !== undefined) return "was expected to fail, but did not";
  return checkResult(command, outcome);
}

/** Checks one step of a range query as if it were the answer of an instant query. */
function checkStep(command: EvalCommand, instant: QueryValue, ranged: QueryValue, t: number): Fault {
  if (ranged.kind !== "matrix") return `got a ${ranged.kind}, not a matrix`;
  const elements = stepElements(ranged, t);
  const fault = checkSorted(ranged);
  if (fault !== undefined) return fault;
  if (instant.kind !== "scalar") return checkValue(command, { kind: "vector", t, elements });
  const [element] = elements;
  if (element === undefined) return "got no value";
  return checkValue(command, { kind: "scalar", t, value: element.value });
}

function stepElements(matrix: MatrixValue, t: number): readonly VectorElement[] {
  const elements: VectorElement[] = [];
  for (const series of matrix.series) {
    const point = pointsOf(series, matrix).find((candidate) => candidate.t === t);
    if (point === undefined) continue;
    elements.push({ labels: series.labels, value: point.value, histogram: point.histogram });
  }
  return elements;
}

function loadSeries(storage: MemoryStorage, command: LoadCommand, startMs = 0): void {
  const { line, stepMs, series } = command;
  const appender = storage.appender();
  const add = (labels: Labels, ref: SeriesRef, step: number, value: SequenceValue, startOffset: number | undefined) => {
    const t = startMs + step * stepMs;
    const startTime = startOffset === undefined ? 0 : t + startOffset;
    const verdict = appendValue(value, {
      float: (float) => appender.append(ref, t, float, startTime),
      stale: () => appender.appendStale(ref, t),
      histogram: (histogram) => appender.appendHistogram(ref, t, histogram, false, startTime),
    });
    if (verdict === Append.ok) return;
    const name = Object.entries(Append).find(([, code]) => code === verdict)?.[0];
    throw new ScriptError(line, `sample of ${describeLabels(labels)} at ${t} was refused: ${name}`);
  };
  try {
    for (const { labels, values, startOffsets } of series) {
      const ref = appender.series(labels);
      withStoredHints(values).forEach((value, step) => {
        add(labels, ref, step, value, startOffsets?.[step]);
      });
    }
    for (const { labels, samples } of command.withCustomHistograms ? customHistograms(series) : []) {
      const ref = appender.series(labels);
      const values = samples.map(({ histogram }): SequenceValue => ({ kind: "histogram", histogram, hintSet: false }));
      withStoredHints(values).forEach((value, i) => {
        add(labels, ref, samples[i]!.step, value, undefined);
      });
    }
  } catch (error) {
    appender.rollback();
    if (error instanceof ScriptError) throw error;
    throw new ScriptError(line, (error as Error).message, { cause: error });
  }
  appender.commit();
}

interface SampleSink {
  float(value: number): Append;
  stale(): Append;
  histogram(histogram: FloatHistogramFields): Append;
}

function appendValue(value: SequenceValue, sink: SampleSink): Append {
  switch (value.kind) {
    case "omitted":
      return Append.ok;
    case "stale":
      return sink.stale();
    case "float":
      return sink.float(value.value);
    case "histogram":
      return sink.histogram(value.histogram);
  }
}
