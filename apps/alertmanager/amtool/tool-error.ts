// What ends a command with exit code 1 and a sentence.

/** The message is for whoever called. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  /** What the reference's error output ends in: one newline where it gave up at once, two where an error went all the way up. */
  readonly ending: "\n" | "\n\n";

  constructor(message: string, ending: "\n" | "\n\n" = "\n\n", options?: ErrorOptions) {
    super(message, options);
    this.ending = ending;
  }
}
