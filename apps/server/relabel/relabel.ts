// Relabeling: rewriting and dropping label sets by rules, as targets, samples, alerts and remote writes need it.
import { createHash } from "node:crypto";
import { compileReplaceRegex, type Labels } from "@narthex/model";
import { LabelBuilder } from "./label-builder.ts";
import { toLower, toUpper } from "./letter-case.ts";
import { isLabelName } from "./names.ts";
import type { RelabelConfig } from "./rule.ts";

/** A list of rules, compiled once. Holds no state between calls but its scratch space: use it from one thread. */
export class Relabeler {
  readonly #steps: readonly Step[];
  readonly #scratch = new LabelBuilder();

  /** Throws a `RegexSyntaxError` for a bad pattern; rules of a loaded configuration have none. */
  constructor(rules: readonly RelabelConfig[]) {
    this.#steps = rules.map(compileStep);
  }

  /** True when there is no rule: every label set passes as it is. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  /** The label set after all rules, or undefined when one of them drops it. */
  apply(labels: Labels): Labels | undefined {
    if (this.#steps.length === 0) return labels;
    this.#scratch.reset(labels);
    return this.applyTo(this.#scratch) ? this.#scratch.labels() : undefined;
  }

  /** Runs all rules on `builder`. False when one of them drops it; the builder is then left half-way. */
  applyTo(builder: LabelBuilder): boolean {
    for (const step of this.#steps) if (!step(builder)) return false;
    return true;
  }
}

/** One compiled rule: changes the builder, or says false for "drop". */
type Step = (builder: LabelBuilder) => boolean;

function compileStep(rule: RelabelConfig): Step {
  const { action, targetLabel: target, replacement } = rule;
  const source = joiner(rule.sourceLabels, rule.separator);
  switch (action) {
    case "replace":
      return compileReplace(rule, source);
    case "keep": {
      const regex = compileReplaceRegex(rule.regex);
      return (builder) => regex.matches(source(builder));
    }
    case "drop": {
      const regex = compileReplaceRegex(rule.regex);
      return (builder) => !regex.matches(source(builder));
    }
    case "keepequal":
      return (builder) => builder.get(target) === source(builder);
    case "dropequal":
      return (builder) => builder.get(target) !== source(builder);
    case "lowercase":
      return always((builder) => builder.set(target, toLower(source(builder))));
    case "uppercase":
      return always((builder) => builder.set(target, toUpper(source(builder))));
    case "hashmod":
      return always((builder) => builder.set(target, hashModulo(source(builder), rule.modulus)));
    case "labelmap": {
      const regex = compileReplaceRegex(rule.regex);
      return always((builder) => {
        for (const [name, value] of builder.entries()) {
          const renamed = regex.expand(replacement, name);
          if (renamed !== undefined) builder.set(renamed, value);
        }
      });
    }
    case "labeldrop":
    case "labelkeep": {
      const regex = compileReplaceRegex(rule.regex);
      const drops = action === "labeldrop";
      return always((builder) => {
        for (const [name] of builder.entries()) if (regex.matches(name) === drops) builder.delete(name);
      });
    }
    default:
      return unreachable(action);
  }
}

function compileReplace(rule: RelabelConfig, source: (builder: LabelBuilder) => string): Step {
  const { targetLabel, replacement, nameValidationScheme: scheme } = rule;
  const isPlain = !targetLabel.includes("$") && !replacement.includes("$");
  if (rule.regexIsDefault && !targetLabel.includes("$") && (isPlain || replacement === "$1")) {
    // `(.*)` matches everything, so the commonest rules need no regular expression at all.
    return always((builder) => builder.set(targetLabel, isPlain ? replacement : source(builder)));
  }
  const regex = compileReplaceRegex(rule.regex);
  const hasPlainTarget = !targetLabel.includes("$");
  return always((builder) => {
    const text = source(builder);
    const value = regex.expand(replacement, text);
    if (value === undefined) return;
    const target = hasPlainTarget ? targetLabel : (regex.expand(targetLabel, text) as string);
    if (isLabelName(target, scheme)) builder.set(target, value);
  });
}

function always(change: (builder: LabelBuilder) => void): Step {
  return (builder) => {
    change(builder);
    return true;
  };
}

function joiner(names: readonly string[], separator: string): (builder: LabelBuilder) => string {
  if (names.length === 0) return () => "";
  const [first] = names as [string];
  if (names.length === 1) return (builder) => builder.get(first);
  return (builder) => {
    let joined = builder.get(first);
    for (let i = 1; i < names.length; i++) joined += separator + builder.get(names[i] as string);
    return joined;
  };
}

/** The last eight bytes of the MD5, as a big-endian unsigned number, modulo `modulus`; in decimal. */
function hashModulo(text: string, modulus: bigint): string {
  return String(createHash("md5").update(text).digest().readBigUInt64BE(8) % modulus);
}

function unreachable(action: never): never {
  throw new TypeError(`unknown relabel action ${String(action)}`);
}
