// What holds for which groups beyond the reference: how long they live, and whether pushes add up.
// A YAML file, named by --push.rules-file:
//
//   rules:
//     - match: { job: "nightly-.*" }     # anchored regular expressions of grouping labels; all must match
//       ttl: 36h                         # a group goes when nothing was pushed to it for so long
//     - match: { job: lambda }
//       aggregate: true                  # counters and histograms of each push are added to those before
//       gauges: max                      # last (unless said otherwise), sum, min or max
//       gauge_rules:
//         - { name: ".*_inprogress", gauges: sum }
import { readFileSync } from "node:fs";
import { compileRegex, type Regex } from "@narthex/model";
import {
  type Codec,
  decodeNode,
  field,
  initialOf,
  parseDuration,
  parseYaml,
  struct,
  YamlReader,
  YamlSyntaxError,
  yamlCodec,
} from "@narthex/toolkit";
import { labelValue } from "../family/labels.ts";

/** What becomes of a gauge that is pushed again in a group that adds up. */
export const GAUGE_MODES = ["last", "sum", "min", "max"] as const;
export type GaugeMode = (typeof GAUGE_MODES)[number];

/** How a group adds up. */
export interface Aggregation {
  /** For a gauge or untyped metric of this name. */
  gaugeMode(name: string): GaugeMode;
}

/** What holds for one group. */
export interface PushRule {
  /** In milliseconds; 0 for no end. */
  readonly ttlMs: number;
  /** Undefined where a push replaces what was there. */
  readonly aggregation: Aggregation | undefined;
}

/** The rules file cannot be used. The message names file, line and column where there are some. */
export class PushRulesError extends Error {
  override readonly name = "PushRulesError";
}

interface Rule {
  readonly match: ReadonlyMap<string, Regex>;
  readonly ttlMs: number | undefined;
  readonly aggregation: Aggregation | undefined;
}

/** The first rule of the file that matches decides; without one, only the flags do. */
export class PushRules {
  readonly #rules: readonly Rule[];
  readonly #otherwise: PushRule;

  constructor(rules: readonly Rule[], ttlMs: number) {
    this.#rules = rules;
    this.#otherwise = { ttlMs, aggregation: undefined };
  }

  /** Rules by flags alone: a time to live for all groups, in milliseconds, 0 for none. */
  static none(ttlMs: number = 0): PushRules {
    return new PushRules([], ttlMs);
  }

  /** Reads a file. Throws a `PushRulesError`. `ttlMs` holds where no rule names another. */
  static load(file: string, ttlMs: number): PushRules {
    let text: string;
    try {
      text = readFileSync(file, "utf8");
    } catch (error) {
      throw new PushRulesError(`open ${file}: ${(error as Error).message}`, { cause: error });
    }
    return PushRules.parse(text, file, ttlMs);
  }

  /** The same for a text; `file` names it in messages. */
  static parse(text: string, file: string, ttlMs: number): PushRules {
    const reader = new YamlReader(".");
    let parsed: RulesFile;
    try {
      const { root } = parseYaml(text);
      parsed = root === undefined ? initialOf(rulesFile) : decodeNode(rulesFile, root, reader);
    } catch (error) {
      if (!(error instanceof YamlSyntaxError)) throw error;
      throw new PushRulesError(`${file}:${error.at.line}:${error.at.column}: ${error.message}`, { cause: error });
    }
    const problems = reader.problems.map(({ at, message }) => `${file}:${at.line}:${at.column}: ${message}`);
    if (problems.length > 0) throw new PushRulesError(problems.join("\n"));
    return new PushRules(parsed.rules.map(compileRule), ttlMs);
  }

  /** What holds for a group with these labels, names and values in turn. */
  ruleFor(labels: readonly string[]): PushRule {
    for (const { match, ttlMs, aggregation } of this.#rules) {
      if (![...match].every(([name, pattern]) => pattern.matches(labelValue(labels, name) ?? ""))) continue;
      return { ttlMs: ttlMs ?? this.#otherwise.ttlMs, aggregation };
    }
    return this.#otherwise;
  }
}

interface GaugeRule {
  readonly name: string;
  readonly gauges: GaugeMode;
}

interface WrittenRule {
  readonly match: ReadonlyMap<string, string>;
  readonly ttl: string;
  readonly aggregate: boolean;
  readonly gauges: GaugeMode;
  readonly gaugeRules: readonly GaugeRule[];
}

interface RulesFile {
  readonly rules: readonly WrittenRule[];
}

const gaugeMode: Codec<GaugeMode> = yamlCodec.checkedText<GaugeMode>("string", (word) =>
  (GAUGE_MODES as readonly string[]).includes(word)
    ? undefined
    : `gauges are joined by one of ${GAUGE_MODES.join(", ")}, not by ${JSON.stringify(word)}`,
);

const pattern: Codec<string> = yamlCodec.checkedText<string>("string", (text) => {
  try {
    compileRegex(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
});

const duration: Codec<string> = yamlCodec.checkedText<string>("string", (text) => {
  try {
    parseDuration(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
});

const gaugeRule: Codec<GaugeRule> = struct<GaugeRule>("GaugeRule", [
  field<GaugeRule>("name", "name", pattern),
  field<GaugeRule>("gauges", "gauges", gaugeMode, { initial: () => "last" }),
]);

const rule: Codec<WrittenRule> = struct<WrittenRule>("PushRule", [
  field<WrittenRule>("match", "match", yamlCodec.map(pattern, { type: "map[string]string" })),
  field<WrittenRule>("ttl", "ttl", duration),
  field<WrittenRule>("aggregate", "aggregate", yamlCodec.bool),
  field<WrittenRule>("gauges", "gauges", gaugeMode, { initial: () => "last" }),
  field<WrittenRule>("gauge_rules", "gaugeRules", yamlCodec.list(gaugeRule)),
]);

const rulesFile = struct<RulesFile>("PushRules", [field<RulesFile>("rules", "rules", yamlCodec.list(rule))]);

function compileRule({ match, ttl, aggregate, gauges, gaugeRules }: WrittenRule): Rule {
  const modes = gaugeRules.map((each) => ({ pattern: compileRegex(each.name), mode: each.gauges }));
  const aggregation: Aggregation = {
    gaugeMode: (name) => modes.find((each) => each.pattern.matches(name))?.mode ?? gauges,
  };
  return {
    match: new Map([...match].map(([name, text]) => [name, compileRegex(text)])),
    ttlMs: ttl === "" ? undefined : parseDuration(ttl),
    aggregation: aggregate ? aggregation : undefined,
  };
}
