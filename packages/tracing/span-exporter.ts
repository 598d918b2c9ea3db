// The joint between batches of spans and the ways to a collector.

export interface SpanExporter {
  /** One attempt. Resolves with the collector's answer; rejects with an `ExportError`, also when `signal` aborts. */
  send(body: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Closes all connections. */
  close(): void;
}

/** Spans did not get to the collector. */
export class ExportError extends Error {
  override readonly name = "ExportError";
  /** Whether the same may work later. */
  readonly isTransient: boolean;
  /** How long the collector asked to wait; 0 where it did not. */
  readonly retryAfterMs: number;

  constructor(message: string, isTransient: boolean, retryAfterMs = 0, options?: ErrorOptions) {
    super(message, options);
    this.isTransient = isTransient;
    this.retryAfterMs = retryAfterMs;
  }
}

/** More of an answer is not kept. */
export const MAX_ANSWER_BYTES: number = 64 * 1024;
/** So much of a refusal's text is told. */
export const MAX_REASON_CHARS = 256;
export const LATE = "context deadline exceeded";
export const CALLED_OFF = "context canceled";

/** Calls `end` with the reason as soon as time is up or `signal` aborts. The returned function calls that off. */
export function untilLate(timeoutMs: number, signal: AbortSignal, end: (reason: string) => void): () => void {
  const onAbort = (): void => end(CALLED_OFF);
  const timer = setTimeout(() => end(LATE), timeoutMs);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
}
