// What a test script says, as data.
import type { Labels } from "@narthex/model";
import type { Expr } from "../parser/ast.ts";
import type { SequenceValue } from "../parser/series-parser.ts";

export type ScriptCommand = LoadCommand | ClearCommand | EvalCommand;

/** Forgets all samples. */
export interface ClearCommand {
  readonly kind: "clear";
  /** Counted from 1, here and below. */
  readonly line: number;
}

/** Adds series whose first sample is at 0 and each further one a step later. */
export interface LoadCommand {
  readonly kind: "load";
  readonly line: number;
  readonly stepMs: number;
  readonly series: readonly LoadedSeries[];
  /** Whether classic histograms are loaded once more as native ones with custom buckets. */
  readonly withCustomHistograms: boolean;
}

export interface LoadedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** Start timestamps in milliseconds relative to their samples, one per value; undefined where unknown. */
  readonly startOffsets: readonly (number | undefined)[] | undefined;
}

/** Evaluates a query and says what must come out. */
export interface EvalCommand {
  readonly kind: "eval";
  readonly line: number;
  readonly text: string;
  readonly expr: Expr;
  /** Milliseconds; for an instant query start and end are the same and the step is 0. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly isRange: boolean;
  readonly expected: ExpectedResult;
}

export interface ExpectedResult {
  readonly ordered: boolean;
  /** Set when the query must fail. */
  readonly fail: TextTest | undefined;
  readonly warnings: AnnotationTest;
  readonly infos: AnnotationTest;
  readonly string: string | undefined;
  readonly scalar: number | undefined;
  /** Where the samples of an instant query's range vector are; undefined when its result is no range vector. */
  readonly rangeVector: { readonly startMs: number; readonly endMs: number; readonly stepMs: number } | undefined;
  /** In the order of the lines. */
  readonly series: readonly ExpectedSeries[];
}

export interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
}

/** What a text must be. `describe` says it in words. */
export interface TextTest {
  matches(text: string): boolean;
  readonly describe: string;
}

/** `none`: there must be none; otherwise each test must match an annotation and each annotation a test. */
export interface AnnotationTest {
  readonly none: boolean;
  readonly tests: readonly TextTest[];
}

/** A script that cannot be read, or a load that the storage refuses; the message begins with the line. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
  readonly line: number;

  constructor(line: number, message: string, options?: ErrorOptions) {
    super(`line ${line}: ${message}`, options);
    this.line = line;
  }
}
