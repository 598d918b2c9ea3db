// Refusals of the API, in the two shapes that the reference's have: a code and a message, or a message alone.

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  /** 0 for an answer that is the message alone. */
  readonly code: number;

  private constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }

  /** Answered as a JSON text. */
  static plain(status: number, message: string): ApiError {
    return new ApiError(status, 0, message);
  }

  /** Answered as `{"code", "message"}`. */
  static coded(status: number, code: number, message: string): ApiError {
    return new ApiError(status, code, message);
  }

  static required(field: string): ApiError {
    const name = field.includes(" ") ? field : `${field} in body`;
    return new ApiError(422, 602, `${name} is required`);
  }

  static wrongFormat(field: string, place: string, format: string, value: string): ApiError {
    return new ApiError(422, 601, `${field} in ${place} must be of type ${format}: ${JSON.stringify(value)}`);
  }

  static tooFew(field: string, items: number): ApiError {
    return new ApiError(422, 612, `${field} in body should have at least ${items} items`);
  }
}
