// A relabeling rule as the configuration gives it, checked and compiled.

/** What a rule does; the configuration may write it in any case. */
export type RelabelAction =
  | "replace"
  | "keep"
  | "drop"
  | "keepequal"
  | "dropequal"
  | "hashmod"
  | "labelmap"
  | "labeldrop"
  | "labelkeep"
  | "lowercase"
  | "uppercase";

/** Which label and metric names are legal: any UTF-8, or only `[a-zA-Z_][a-zA-Z0-9_]*` (metrics: also `:`). */
export type NameValidationScheme = "utf8" | "legacy";

/** One rule of `relabel_configs` and its kin, with the defaults filled in. */
export interface RelabelConfig {
  /** Labels whose values are joined with `separator`, in this order. A missing label counts as "". */
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  /** RE2 source as it was written; it is matched against the whole text. */
  readonly regex: string;
  /** True when no `regex` was written: some actions refuse a written one, even if it says the same. */
  readonly regexIsDefault: boolean;
  /** Divisor of `hashmod`, an unsigned 64-bit number; 0n when not given. */
  readonly modulus: bigint;
  readonly targetLabel: string;
  readonly replacement: string;
  readonly action: RelabelAction;
  /** Decides whether an expanded target label is legal. */
  readonly nameValidationScheme: NameValidationScheme;
}

/** The rule that an empty mapping stands for. */
export const DEFAULT_RELABEL_CONFIG: RelabelConfig = {
  sourceLabels: [],
  separator: ";",
  regex: "(.*)",
  regexIsDefault: true,
  modulus: 0n,
  targetLabel: "",
  replacement: "$1",
  action: "replace",
  nameValidationScheme: "utf8",
};
