// Files of unit tests for rules. Source: rules specification, "Rule unit tests".
import { dirname, isAbsolute, join } from "node:path";
import {
  type Codec,
  decodeNode,
  type Field,
  field,
  parseYaml,
  struct,
  YamlReader,
  YamlSyntaxError,
  yamlCodec,
} from "@narthex/toolkit";
import { parseTime } from "../../api/params.ts";
import { glob } from "../../config/glob.ts";

/** A file that is no unit test; the message is the reference's. */
export class UnitTestFileError extends Error {
  override readonly name = "UnitTestFileError";
}

/** Durations in milliseconds, 0 where none is given. */
export interface UnitTestFile {
  readonly ruleFiles: readonly string[];
  readonly evaluationIntervalMs: number;
  readonly groupOrder: readonly string[];
  readonly tests: readonly TestGroup[];
  /** Floats may be neighbours. */
  readonly fuzzyCompare: boolean;
}

export interface TestGroup {
  readonly name: string;
  readonly intervalMs: number;
  readonly series: readonly { readonly series: string; readonly values: string }[];
  readonly alertTests: readonly AlertTest[];
  readonly exprTests: readonly ExprTest[];
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  /** Milliseconds since the epoch. */
  readonly startMs: number;
}

export interface AlertTest {
  readonly evalTimeMs: number;
  readonly alertName: string;
  readonly alerts: readonly {
    readonly labels: ReadonlyMap<string, string>;
    readonly annotations: ReadonlyMap<string, string>;
  }[];
}

export interface ExprTest {
  readonly expr: string;
  readonly evalTimeMs: number;
  readonly samples: readonly { readonly labels: string; readonly value: number; readonly histogram: string }[];
}

const { bool, duration, float, list, map, text } = yamlCodec;
const texts = map(text);

const seriesCodec = struct("main.series", [named("series", "series", text), named("values", "values", text)]);
const expectedAlertCodec = struct("main.alert", [
  named("exp_labels", "labels", texts),
  named("exp_annotations", "annotations", texts),
]);
const alertTestCodec = struct("main.alertTestCase", [
  named("eval_time", "evalTimeMs", duration),
  named("alertname", "alertName", text),
  named("exp_alerts", "alerts", list(orEmpty(expectedAlertCodec))),
]);
const sampleCodec = struct("main.sample", [
  named("labels", "labels", text),
  named("value", "value", float),
  named("histogram", "histogram", text),
]);
const exprTestCodec = struct("main.promqlTestCase", [
  named("expr", "expr", text),
  named("eval_time", "evalTimeMs", duration),
  named("exp_samples", "samples", list(orEmpty(sampleCodec))),
]);

/** RFC 3339, or seconds since the epoch. */
const timeCodec: Codec<number> = {
  ...float,
  decode(node, reader) {
    const t = node.kind === "scalar" ? parseTime(node.text) : undefined;
    if (t === undefined)
      reader.invalid(node.at, `cannot parse "${node.kind === "scalar" ? node.text : ""}" to a valid timestamp`);
    return t ?? 0;
  },
};

const groupCodec = struct("main.testGroup", [
  named("interval", "intervalMs", duration),
  named("input_series", "series", list(orEmpty(seriesCodec))),
  named("alert_rule_test", "alertTests", list(orEmpty(alertTestCodec))),
  named("promql_expr_test", "exprTests", list(orEmpty(exprTestCodec))),
  named("external_labels", "externalLabels", texts),
  named("external_url", "externalUrl", text),
  named("name", "name", text),
  named("start_timestamp", "startMs", timeCodec),
]);
const fileCodec = struct("main.unitTestFile", [
  named("rule_files", "ruleFiles", list(text)),
  named("evaluation_interval", "evaluationIntervalMs", duration),
  named("group_eval_order", "groupOrder", list(text)),
  named("tests", "tests", list(orEmpty(groupCodec))),
  named("fuzzy_compare", "fuzzyCompare", bool),
]) as unknown as Codec<UnitTestFile>;

// biome-ignore lint/suspicious/noExplicitAny: the codecs of a file are checked as a whole, by its interface
function named(key: string, name: string, codec: Codec<any>): Field {
  return field<Record<string, unknown>>(key, name, codec);
}

/** Reads null as an empty mapping. */
function orEmpty<T>(codec: Codec<T>): Codec<T> {
  return {
    ...codec,
    zero: () => codec.decode({ kind: "mapping", entries: [], at: { line: 0, column: 0 } }, new YamlReader()),
  };
}

/** Reads a file's text. Throws a `UnitTestFileError`. */
export function parseUnitTests(source: string): UnitTestFile {
  const reader = new YamlReader();
  const { root } = parsed(source);
  const file = root === undefined ? undefined : decodeNode(fileCodec, root, reader);
  const shape = reader.problems.filter(({ kind }) => kind === "shape");
  const [invalid] = reader.problems.filter(({ kind }) => kind === "value");
  // As in the reference, a value that is refused ends the reading; what does not fit is told all at once.
  if (invalid !== undefined) throw new UnitTestFileError(invalid.message);
  if (shape.length > 0) {
    const lines = shape.map(({ at, message }) => `  line ${at.line}: ${message}`);
    throw new UnitTestFileError(`yaml: unmarshal errors:\n${lines.join("\n")}`);
  }
  return file ?? { ruleFiles: [], evaluationIntervalMs: 0, groupOrder: [], tests: [], fuzzyCompare: false };
}

function parsed(source: string): ReturnType<typeof parseYaml> {
  try {
    return parseYaml(source);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    throw new UnitTestFileError(error.message, { cause: error });
  }
}

/** The rule files that a test file names, relative to itself; `onMissing` is told of patterns without any. */
export function ruleFilesOf({ ruleFiles }: UnitTestFile, path: string, onMissing: (pattern: string) => void): string[] {
  return ruleFiles.flatMap((pattern) => {
    const resolved = pattern === "" || isAbsolute(pattern) ? pattern : join(dirname(path), pattern);
    const found = glob(resolved);
    if (found.length === 0) onMissing(resolved);
    return found;
  });
}
