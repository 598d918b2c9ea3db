// Why a notification goes out, and why one failed.

/** The texts are what webhooks and templates see. */
export type NotifyReason =
  | "none"
  | "first notification"
  | "new alerts added"
  | "some alerts resolved"
  | "all alerts resolved"
  | "repeat interval elapsed"
  | "unknown";

/** The label `reason` of failed notifications. */
export type FailureReason =
  | "other"
  | "clientError"
  | "serverError"
  | "contextCanceled"
  | "contextDeadlineExceeded"
  | "authError"
  | "rateLimited";

export const FAILURE_REASONS: readonly FailureReason[] = [
  "other",
  "clientError",
  "serverError",
  "contextCanceled",
  "contextDeadlineExceeded",
  "authError",
  "rateLimited",
];

export function reasonOfStatus(status: number): FailureReason {
  if (status === 401 || status === 403) return "authError";
  if (status === 429) return "rateLimited";
  if (status >= 400 && status < 500) return "clientError";
  return status >= 500 && status < 600 ? "serverError" : "other";
}

/** What is known of a failure besides its message. */
export interface FailureOptions {
  /** Whether trying again may help; false unless given. */
  readonly retry?: boolean;
  readonly reason?: FailureReason;
  readonly cause?: unknown;
}

/** A notification that did not get through. */
export class NotifyError extends Error {
  override readonly name = "NotifyError";
  /** Whether trying again may help. */
  readonly isRetryable: boolean;
  readonly reason: FailureReason;

  constructor(message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.isRetryable = options.retry ?? false;
    this.reason = options.reason ?? "other";
  }
}
