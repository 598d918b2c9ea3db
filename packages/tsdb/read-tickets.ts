// Views of the present moment: who reads, in this thread or another, and whether earlier readers are still there.
import type { Head } from "./head/head.ts";
import type { ReadTicket } from "./share.ts";

/** Readers older than a truncation of the head get so long to end. */
const READER_PATIENCE_MS = 300_000;
/** How often it is looked whether they ended. */
const LOOK_EVERY_MS = 20;

export interface ReadTicketsOptions {
  readonly head: Head;
  /** Directories of the open blocks. */
  readonly blockPaths: () => readonly string[];
  /** Wall clock in milliseconds. */
  readonly now: () => number;
  readonly isClosed: () => boolean;
}

export class ReadTickets {
  /** How often samples of blocks were deleted: readers elsewhere look at the tombstones again when it changed. */
  blockDeletions = 0;
  readonly #options: ReadTicketsOptions;

  constructor(options: ReadTicketsOptions) {
    this.#options = options;
  }

  /** Holds the present moment. At most 1,024 are held; one more gives the oldest up. */
  begin(): ReadTicket {
    const { head, blockPaths } = this.#options;
    return {
      snapshot: head.snapshots.take(head.table.lastRef),
      blocks: blockPaths(),
      blockDeletions: this.blockDeletions,
      headDeletions: head.deletions.shared,
      headMinTime: Math.min(this.#headInOrderMinTime(), head.outOfOrder.chunks.minTime),
      headInOrderMinTime: this.#headInOrderMinTime(),
    };
  }

  /** Gives a ticket back. Idempotent. */
  end(ticket: ReadTicket): void {
    this.#options.head.snapshots.release(ticket.snapshot);
  }

  /** Returns when no view is older than this moment; after five minutes it gives up those that are left. */
  async earlierEnded(): Promise<void> {
    const { head, isClosed, now } = this.#options;
    const { snapshots } = head;
    const moment = snapshots.take(head.table.lastRef);
    snapshots.release(moment);
    const giveUpAt = now() + READER_PATIENCE_MS;
    while (!isClosed() && snapshots.liveCount > 0 && ((snapshots.oldest - moment.epoch) | 0) < 0) {
      if (now() > giveUpAt) snapshots.expireOldest();
      else await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }

  /** From when on the head may have samples but for late ones; an empty head says nothing anyway. */
  #headInOrderMinTime(): number {
    const { times } = this.#options.head;
    return times.max === Number.NEGATIVE_INFINITY ? Number.NEGATIVE_INFINITY : times.min;
  }
}
