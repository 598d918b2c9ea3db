// Rule files: read, checked, and given as groups of rules. A file is loaded whole or not at all.
import { compareStrings, Labels } from "@narthex/model";
import { ParseError, type ParserOptions, parseExpr, printExpr } from "@narthex/promql";
import { TemplateError } from "@narthex/template";
import {
  type Codec,
  decodeNode,
  field,
  isNull,
  type Position,
  parseYaml,
  quote,
  struct,
  YamlReader,
  YamlSyntaxError,
  yamlCodec,
} from "@narthex/toolkit";
import { ConfigError, type ConfigProblem, placeText } from "../config/error.ts";
import { glob } from "../config/glob.ts";
import { readText } from "../config/load.ts";
import { isLabelName, isMetricName, isWellFormed, type NameValidationScheme } from "../relabel/index.ts";
import { checkAlertTemplate } from "./alert-template.ts";

/** A group as its file gives it. */
export interface RuleGroupSource {
  /** The file as the glob names it. File and name together identify a group. */
  readonly file: string;
  readonly name: string;
  /** Undefined means the global evaluation interval. */
  readonly intervalMs: number | undefined;
  /** Undefined means the global one; 0 means none. */
  readonly queryOffsetMs: number | undefined;
  /** Most series or alerts that a rule may yield; 0 for no limit. */
  readonly limit: number;
  readonly rules: readonly RuleSource[];
}

/** A rule, with the labels of its group merged in below its own; a label set to "" is taken away. Queries parse. */
export type RuleSource = RecordingRuleSource | AlertingRuleSource;

/** A query whose result is stored under a name. */
export interface RecordingRuleSource {
  readonly kind: "record";
  readonly name: string;
  readonly query: string;
  readonly labels: Labels;
}

/** A query whose result is alerts. Labels and annotations may hold templates. */
export interface AlertingRuleSource {
  readonly kind: "alert";
  readonly name: string;
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** What loading rule files depends on. */
export interface RuleFileOptions {
  readonly nameValidationScheme?: NameValidationScheme;
  /** Parts of the query language that are switched on. */
  readonly parser?: ParserOptions;
  /** Unknown keys are passed over. */
  readonly ignoreUnknownFields?: boolean;
}

/** Loads all files that the globs name, in their order. Throws a `ConfigError` with the problems of all files. */
export function loadRuleFiles(patterns: readonly string[], options: RuleFileOptions = {}): RuleGroupSource[] {
  const groups: RuleGroupSource[] = [];
  const problems: ConfigProblem[] = [];
  const messages: string[] = [];
  for (const file of new Set(patterns.flatMap((pattern) => glob(pattern)))) {
    try {
      groups.push(...parseRuleFile(readText(file), file, options));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      messages.push(error.message);
    }
  }
  if (messages.length > 0) throw new ConfigError("config_invalid", messages.join("\n"), problems);
  return groups;
}

/** Reads the groups of one file's text. Throws a `ConfigError`. */
export function parseRuleFile(text: string, file: string, options: RuleFileOptions = {}): RuleGroupSource[] {
  const reader = new YamlReader();
  let draft: FileDraft;
  try {
    const { root } = parseYaml(text);
    if (root === undefined) return [];
    draft = decodeNode(fileCodec, root, reader);
  } catch (error) {
    if (!(error instanceof YamlSyntaxError)) throw error;
    const problem = { file, line: error.at.line, column: error.at.column, message: error.message };
    throw new ConfigError("config_syntax", `${placeText(problem)}: ${error.message}`, [problem], { cause: error });
  }
  const shapeProblems = reader.problems.filter(
    (problem) => options.ignoreUnknownFields !== true || !/^field \S+ not found in type/.test(problem.message),
  );
  if (shapeProblems.length > 0) throwAll(file, shapeProblems, "yaml: unmarshal errors:\n");
  const problems: Fault[] = [];
  const report = (at: Position, message: string, reference: string): void => {
    problems.push({ at, message, reference });
  };
  const groups = new GroupChecker(file, options, reader, report).check(draft.groups);
  if (problems.length > 0) throwAll(file, problems, "");
  return groups;
}

interface Fault {
  readonly at: Position;
  readonly message: string;
  readonly reference?: string;
}

/** What the reference says in front of a rule's fault: the places of the values that are meant, 0:0 for none. */
function referencePlace(...places: readonly (Position | undefined)[]): string {
  return places.map((at) => `${at?.line ?? 0}:${at?.column ?? 0}: `).join("");
}

/** Labels that rules set; unlike in a series' labels, an empty value counts: it takes the label away. */
function labelChanges(entries: Iterable<readonly [string, string]>): Labels {
  const sorted = [...new Map(entries)].sort(([a], [b]) => compareStrings(a, b));
  return new Labels(sorted.flat());
}

function throwAll(file: string, problems: readonly Fault[], heading: string): never {
  const placed = problems.map(({ at, message, reference }) => ({
    file,
    line: at.line,
    column: at.column,
    message,
    ...(reference === undefined ? {} : { reference }),
  }));
  const lines = placed.map((problem) => `${placeText(problem)}: ${problem.message}`);
  const [first] = placed as [ConfigProblem];
  const text =
    heading === ""
      ? lines.join("\n")
      : `${placeText(first)}: ${heading}${placed.map((p) => `  line ${p.line}, column ${p.column}: ${p.message}`).join("\n")}`;
  throw new ConfigError("config_invalid", text, placed);
}

interface RuleDraft {
  record: string;
  alert: string;
  expr: string;
  forMs: number;
  keepFiringForMs: number;
  labels: ReadonlyMap<string, string>;
  annotations: ReadonlyMap<string, string>;
}

interface GroupDraft {
  name: string;
  intervalMs: number | undefined;
  queryOffsetMs: number | undefined;
  limit: number;
  labels: ReadonlyMap<string, string>;
  rules: readonly RuleDraft[];
}

interface FileDraft {
  groups: readonly GroupDraft[];
}

const { duration, int, list, map, optional, text } = yamlCodec;

/** The name of a rule or its expression: texts, but for a null, which counts as not given. */
const texts = map(text, { type: "map[string]string" });

const ruleCodec: Codec<RuleDraft> = struct<RuleDraft>("rulefmt.Rule", [
  field<RuleDraft>("record", "record", text),
  field<RuleDraft>("alert", "alert", text),
  field<RuleDraft>("expr", "expr", text),
  field<RuleDraft>("for", "forMs", duration),
  field<RuleDraft>("keep_firing_for", "keepFiringForMs", duration),
  field<RuleDraft>("labels", "labels", texts),
  field<RuleDraft>("annotations", "annotations", texts),
]);

const groupCodec: Codec<GroupDraft> = struct<GroupDraft>("rulefmt.RuleGroup", [
  field<GroupDraft>("name", "name", text),
  field<GroupDraft>("interval", "intervalMs", optional(duration)),
  field<GroupDraft>("query_offset", "queryOffsetMs", optional(duration)),
  field<GroupDraft>("limit", "limit", int),
  field<GroupDraft>("rules", "rules", list(nonNull(ruleCodec))),
  field<GroupDraft>("labels", "labels", texts),
]);

const fileCodec: Codec<FileDraft> = struct<FileDraft>("rulefmt.RuleGroups", [
  field<FileDraft>("groups", "groups", list(nonNull(groupCodec))),
]);

/** Reads null as an empty mapping, so that what is missing in it has a place. */
function nonNull<T>(codec: Codec<T>): Codec<T> {
  return {
    ...codec,
    zero: () => codec.zero(),
    decode: (node, reader) => codec.decode(isNull(node) ? { kind: "mapping", entries: [], at: node.at } : node, reader),
  };
}

class GroupChecker {
  readonly #file: string;
  readonly #scheme: NameValidationScheme;
  readonly #parser: ParserOptions;
  readonly #reader: YamlReader;
  readonly #report: (at: Position, message: string, reference: string) => void;

  constructor(
    file: string,
    options: RuleFileOptions,
    reader: YamlReader,
    report: (at: Position, message: string, reference: string) => void,
  ) {
    this.#file = file;
    this.#scheme = options.nameValidationScheme ?? "utf8";
    this.#parser = options.parser ?? {};
    this.#reader = reader;
    this.#report = report;
  }

  check(drafts: readonly GroupDraft[]): RuleGroupSource[] {
    const seen = new Set<string>();
    return drafts.map((draft) => {
      // The reference keeps no place of a group.
      const reportName = (message: string): void =>
        this.#report(this.#reader.place(draft, "name"), message, referencePlace(undefined) + message);
      if (draft.name === "") reportName("Groupname must not be empty");
      if (seen.has(draft.name)) reportName(`groupname: "${draft.name}" is repeated in the same file`);
      seen.add(draft.name);
      const at = this.#reader.place(draft, "labels");
      this.#checkLabels(draft.labels, (message) => this.#report(at, message, message));
      return {
        file: this.#file,
        name: draft.name,
        intervalMs: draft.intervalMs === 0 ? undefined : draft.intervalMs,
        queryOffsetMs: draft.queryOffsetMs,
        limit: draft.limit,
        rules: draft.rules.map((rule, index) => this.#rule(rule, index, draft)),
      };
    });
  }

  #rule(draft: RuleDraft, index: number, group: GroupDraft): RuleSource {
    const name = draft.alert === "" ? draft.record : draft.alert;
    const head = `group ${quote(group.name)}, rule ${index + 1}, ${quote(name)}: `;
    /** `meant` are the keys whose values' places the reference gives: none, one or both of a pair. */
    const report = (key: string, message: string, ...meant: readonly string[]): void => {
      const places = meant.map((other) => this.#reader.valuePlace(draft, other));
      this.#report(this.#reader.place(draft, key), head + message, referencePlace(...places) + head + message);
    };
    const pair = ["record", "alert"];
    if (draft.record !== "" && draft.alert !== "")
      report("alert", "only one of 'record' and 'alert' must be set", ...pair);
    if (name === "") report("record", "one of 'record' or 'alert' must be set", ...pair);
    if (draft.expr === "") report("expr", "field 'expr' must be set in rule", "expr");
    const query = draft.expr === "" ? "" : this.#checkedQuery(draft.expr, (message) => report("expr", message, "expr"));
    if (draft.record !== "") this.#checkRecording(draft, report);
    this.#checkLabels(draft.labels, (message) => report("labels", message));
    for (const annotation of draft.annotations.keys()) {
      if (!isLabelName(annotation, this.#scheme)) report("annotations", `invalid annotation name: ${annotation}`);
    }
    if (draft.alert !== "") this.#checkTemplates(draft, report);
    const labels = labelChanges([...group.labels, ...draft.labels]);
    if (draft.alert === "") return { kind: "record", name, query, labels };
    const { forMs, keepFiringForMs } = draft;
    return {
      kind: "alert",
      name,
      query,
      forMs,
      keepFiringForMs,
      labels,
      annotations: Labels.fromUnsorted(draft.annotations),
    };
  }

  /** The query as it is shown and compared from then on: in its canonical form. */
  #checkedQuery(query: string, report: (message: string) => void): string {
    try {
      return printExpr(parseExpr(query, this.#parser));
    } catch (error) {
      if (!(error instanceof ParseError)) throw error;
      report(`could not parse expression: ${error.message}`);
      return query;
    }
  }

  #checkRecording(draft: RuleDraft, reportAt: (key: string, message: string, meant: string) => void): void {
    const report = (key: string, message: string): void => reportAt(key, message, "record");
    if (draft.annotations.size > 0) report("annotations", "invalid field 'annotations' in recording rule");
    if (draft.forMs !== 0) report("for", "invalid field 'for' in recording rule");
    if (draft.keepFiringForMs !== 0) report("keep_firing_for", "invalid field 'keep_firing_for' in recording rule");
    if (!isMetricName(draft.record, this.#scheme)) report("record", `invalid recording rule name: ${draft.record}`);
    if (/[{}]/.test(draft.record)) {
      report("record", `braces present in the recording rule name; should it be in expr?: ${draft.record}`);
    }
  }

  #checkLabels(labels: ReadonlyMap<string, string>, report: (message: string) => void): void {
    for (const [name, value] of labels) {
      if (!isLabelName(name, this.#scheme) || name === "__name__") report(`invalid label name: ${name}`);
      if (!isWellFormed(value)) report(`invalid label value: ${value}`);
    }
  }

  #checkTemplates(draft: RuleDraft, report: (key: string, message: string) => void): void {
    for (const [key, kind, values] of [
      ["labels", "label", draft.labels],
      ["annotations", "annotation", draft.annotations],
    ] as const) {
      for (const [name, value] of values) {
        try {
          checkAlertTemplate(draft.alert, value);
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
          report(key, `${kind} ${quote(name)}: ${error.message}`);
        }
      }
    }
  }
}
