// Trying again what may work later, for a while.
import type { Clock } from "./clock.ts";
import { ExportError, type SpanExporter } from "./span-exporter.ts";

/** All attempts for one batch together. Source: the reference's batch processor, whose export may take so long. */
export const MAX_ELAPSED_MS = 30_000;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 10_000;

export interface RetryOptions {
  readonly exporter: SpanExporter;
  readonly clock: Clock;
  /** 0 to below 1. */
  readonly random: () => number;
  /** Once it has aborted, nothing is waited for: the next attempt, or the one under way, is the last. */
  readonly hurry: AbortSignal;
}

/** Resolves with the collector's answer, or rejects with the `ExportError` of the last attempt. `signal` ends the attempts. */
export async function sendWithRetries(
  body: Uint8Array,
  { exporter, clock, random, hurry }: RetryOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const began = clock.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await exporter.send(body, signal);
    } catch (error) {
      if (!(error instanceof ExportError) || !error.isTransient || hurry.aborted) throw error;
      // Between half and one and a half of the pause, lest many senders come back at the same moment.
      const waitMs = Math.max(error.retryAfterMs, pauseMs * (0.5 + random()));
      if (clock.now() + waitMs - began > MAX_ELAPSED_MS) throw error;
      await pause(waitMs, clock, hurry);
    }
  }
}

/** Ends early when `hurry` aborts. */
function pause(ms: number, clock: Clock, hurry: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      hurry.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    hurry.addEventListener("abort", end);
  });
}
