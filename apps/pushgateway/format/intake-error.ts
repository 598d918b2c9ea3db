// What is wrong with a pushed body.

/** A body that cannot be taken; the message is for whoever pushed it. */
export class IntakeError extends Error {
  override readonly name = "IntakeError";
  readonly status: number;

  constructor(message: string, status: number = 400) {
    super(message);
    this.status = status;
  }
}
