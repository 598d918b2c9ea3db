// Refusals of the HTTP API, and the one table from their types to HTTP statuses.

export const STATUS_BY_ERROR_TYPE = {
  bad_data: 400,
  execution: 422,
  canceled: 499,
  timeout: 503,
  internal: 500,
  not_found: 404,
  not_acceptable: 406,
  unavailable: 500,
  /** Not among the reference's: see `requireOperator`. */
  forbidden: 403,
  /** Not among the reference's: memory is short. */
  overloaded: 503,
} as const;

export type ApiErrorType = keyof typeof STATUS_BY_ERROR_TYPE;

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly type: ApiErrorType;

  constructor(type: ApiErrorType, message: string) {
    super(message);
    this.type = type;
  }
}

/** A parameter that cannot be understood. */
export function invalidParameter(name: string, reason: string): ApiError {
  return new ApiError("bad_data", `invalid parameter ${JSON.stringify(name)}: ${reason}`);
}
