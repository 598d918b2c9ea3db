// What a sampler of the runtime has seen: which functions called which, and what was counted in each.

/** A function in a place of the program, as the runtime names it. */
export interface Frame {
  /** "" for an anonymous function. */
  readonly functionName: string;
  /** Address or path of the file; "" for the runtime itself. */
  readonly url: string;
  /** Of the function's beginning, from 0; -1 where there is none. */
  readonly lineNumber: number;
}

/** One function as called by its parent. */
export interface CallNode {
  readonly frame: Frame;
  readonly parent: CallNode | undefined;
  /** What was counted in the function itself, in the order of the profile's value types. */
  readonly values: readonly number[];
}

export interface ValueType {
  readonly type: string;
  readonly unit: string;
}

export interface CallTree {
  readonly valueTypes: readonly ValueType[];
  /** All nodes; those without values of their own may be left out unless others hang below them. */
  readonly nodes: readonly CallNode[];
  /** Between two samples: in `periodType`, 0 where it varies. */
  readonly period: number;
  readonly periodType: ValueType;
  /** Milliseconds since the epoch, and how long was looked on. */
  readonly startedAtMs: number;
  readonly durationMs: number;
}
