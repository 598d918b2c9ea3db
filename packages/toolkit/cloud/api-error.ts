// What keeps an API's answer from being of use.

/** A request to an API failed. The message names method, address and cause, and no credentials. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** The HTTP status that was not wanted; 0 where no answer came. */
  readonly status: number;

  constructor(message: string, options: ErrorOptions & { readonly status?: number } = {}) {
    super(message, options);
    this.status = options.status ?? 0;
  }
}
