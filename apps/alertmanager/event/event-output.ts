// Where events go, as the recorder sees it.
import type { Logger } from "@narthex/toolkit";
import type { Clock, Timer } from "../clock.ts";
import type { EncodedEvent } from "./event.ts";
import type { EventMetrics } from "./event-metrics.ts";

/** Time that an output has for what it still holds when it is closed. */
export const CLOSE_LIMIT_MS = 30_000;

export interface EventOutput {
  /** As in the label `output`; has no secrets. */
  readonly name: string;
  /** Takes an event, or counts it as dropped. Neither waits nor throws; whether it arrived is counted later. */
  send(event: EncodedEvent): void;
  /** After a reload that leaves it as it is. */
  reloaded(): void;
  /** Takes no more, and resolves when all it has is through, or after `CLOSE_LIMIT_MS`; never rejects. */
  close(): Promise<void>;
}

/** What outputs work with. */
export interface OutputEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: EventMetrics;
}

/** Waits for `work`, and calls `giveUp` when it takes longer than outputs have for their end. Then `work` must end soon. */
export async function withinCloseLimit(work: Promise<unknown>, clock: Clock, giveUp: () => void): Promise<void> {
  const limit: Timer = clock.after(CLOSE_LIMIT_MS, giveUp);
  await work;
  limit.cancel();
}
