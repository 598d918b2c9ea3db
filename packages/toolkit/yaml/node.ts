// A YAML document as a tree that knows where everything was written.

/** Line and column, both counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export type YamlNode = YamlScalar | YamlSequence | YamlMapping;

/** A text; what it means depends on who reads it. */
export interface YamlScalar {
  readonly kind: "scalar";
  readonly text: string;
  /** False for quoted and block texts, which are never null, numbers or booleans. */
  readonly plain: boolean;
  readonly at: Position;
}

export interface YamlSequence {
  readonly kind: "sequence";
  readonly items: readonly YamlNode[];
  readonly at: Position;
}

/** Entries in the order of the document; merged ones (`<<`) first. Keys may repeat: the reader refuses that. */
export interface YamlMapping {
  readonly kind: "mapping";
  readonly entries: readonly YamlEntry[];
  readonly at: Position;
}

export interface YamlEntry {
  readonly key: YamlScalar;
  readonly value: YamlNode;
  /** True when it came in through `<<`: a written entry of the same key replaces it. */
  readonly merged: boolean;
}

/** A text that is no YAML. The message begins with `yaml: `; `at` says where. */
export class YamlSyntaxError extends Error {
  override readonly name = "YamlSyntaxError";
  readonly at: Position;

  constructor(message: string, at: Position, options?: ErrorOptions) {
    super(message, options);
    this.at = at;
  }
}
