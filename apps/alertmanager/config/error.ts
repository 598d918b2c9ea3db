// What a configuration that cannot be used says about itself.

/** One problem and its place; line and column count from 1, and are 0 when the file as a whole is meant. */
export interface ConfigProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** A configuration that cannot be used: nothing of it was loaded. The message holds the reference's text. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(message: string, problems: readonly ConfigProblem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.problems = problems;
  }
}
