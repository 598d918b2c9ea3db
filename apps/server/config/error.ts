// What a configuration that cannot be used says about itself.

/** One problem and its place; line and column count from 1, and are 0 when the file as a whole is meant. */
export interface ConfigProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** Place and text as the reference has them, where those are not just `LINE:COLUMN: message`; for the tool. */
  readonly reference?: string;
}

/** Codes tell where the way ended: reading the file, parsing it, or checking what it says. */
export type ConfigErrorCode = "config_unreadable" | "config_syntax" | "config_invalid";

/**
 * A configuration or rule file that cannot be used: nothing of it was loaded.
 *
 * The message begins with the first problem's place (`FILE:LINE:COLUMN: `) and holds the reference's text.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ConfigErrorCode;
  readonly problems: readonly ConfigProblem[];

  constructor(code: ConfigErrorCode, message: string, problems: readonly ConfigProblem[], options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.problems = problems;
  }
}

/** `FILE:LINE:COLUMN`, or the file alone. */
export function placeText(problem: ConfigProblem): string {
  return problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
}
