// Trying again: for ever, with pauses that double.
import type { Clock } from "../../scrape/index.ts";
import { pause } from "../../scrape/pause.ts";
import type { SendOutcome } from "./write-client.ts";

export interface BackoffOptions {
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly clock: Clock;
}

/** What goes on around an attempt. */
export interface AttemptWatch {
  /** Before a pause of so many milliseconds. */
  onPause(ms: number, error: string, isAskedFor: boolean): void;
  /** The pause is over: the same is tried again. */
  onRetry(error: string): void;
}

/** Attempts (numbered from 0) until one is final. Undefined when `signal` aborted first. */
export async function untilFinal(
  attempt: (number: number) => Promise<SendOutcome>,
  { minBackoffMs, maxBackoffMs, clock }: BackoffOptions,
  watch: AttemptWatch,
  signal: AbortSignal,
): Promise<Exclude<SendOutcome, { kind: "retry" }> | undefined> {
  let backoffMs = minBackoffMs;
  for (let number = 0; !signal.aborted; number++) {
    const outcome = await attempt(number);
    if (outcome.kind !== "retry") return outcome;
    if (signal.aborted) return undefined;
    const { retryAfterMs, error } = outcome;
    const pauseMs = retryAfterMs > 0 ? retryAfterMs : backoffMs;
    watch.onPause(pauseMs, error, retryAfterMs > 0);
    await pause(clock, pauseMs, signal);
    if (signal.aborted) return undefined;
    watch.onRetry(error);
    backoffMs = Math.min(pauseMs * 2, maxBackoffMs);
  }
  return undefined;
}
