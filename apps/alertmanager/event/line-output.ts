// Events as lines of JSON, one behind the other, in a file or to the program's standard output.
import { BoundedQueue } from "./bounded-queue.ts";
import { Complaints } from "./complaints.ts";
import type { EncodedEvent } from "./event.ts";
import { type EventOutput, type OutputEnvironment, withinCloseLimit } from "./event-output.ts";

/** Waiting to be written; what comes beyond that is dropped. As many as may wait for the recorder, so that a burst finds room. */
const QUEUE = { items: 32_768, bytes: 32 * 1024 * 1024 };
/** Written at a time, when as much is waiting. */
const BATCH_BYTES = 4 * 1024 * 1024;
const LINE_END = Buffer.from("\n");

/** How far a write came. */
export interface Written {
  /** Bytes of `bytes` that arrived. */
  readonly count: number;
  /** Why not all of them. */
  readonly error?: Error;
}

/** Where lines go. One call at a time. */
export interface LineSink {
  /** Whole lines. Never rejects. */
  write(bytes: Buffer): Promise<Written>;
  /** Begins anew with the next write, as after a reload. */
  reopen(): void;
  /** Ends a write that waits, too. Never rejects. */
  close(): Promise<void>;
}

export class LineOutput implements EventOutput {
  readonly name: string;
  readonly #sink: LineSink;
  readonly #environment: OutputEnvironment;
  readonly #complaints: Complaints;
  readonly #queue = new BoundedQueue<EncodedEvent>(QUEUE);
  #writing: Promise<void> | undefined;
  #isClosed = false;
  #giveUp: () => void = () => {};
  readonly #gaveUp = new Promise<void>((resolve) => {
    this.#giveUp = resolve;
  });

  constructor(name: string, sink: LineSink, environment: OutputEnvironment) {
    this.name = name;
    this.#sink = sink;
    this.#environment = environment;
    this.#complaints = new Complaints(environment.clock, environment.logger);
  }

  send(event: EncodedEvent): void {
    if (this.#isClosed || !this.#queue.push(event, event.json.length + LINE_END.length)) {
      this.#environment.metrics.outputDropped(this.name);
      this.#complaints.say("Too many events wait to be written, new ones are dropped", { output: this.name });
      return;
    }
    this.#writing ??= this.#writeAll();
  }

  reloaded(): void {
    this.#sink.reopen();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    // A write that hangs cannot be called off: it is left to itself.
    await withinCloseLimit(Promise.race([this.#finish(), this.#gaveUp]), this.#environment.clock, () => {
      let lost = 0;
      while (this.#queue.shift() !== undefined) lost++;
      this.#environment.metrics.outputDropped(this.name, lost);
      this.#environment.logger.error("Events that could not be written in time are lost", { output: this.name, lost });
      void this.#sink.close();
      this.#giveUp();
    });
  }

  async #finish(): Promise<void> {
    await this.#writing;
    await this.#sink.close();
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    // Events of the same turn are written together.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#takeBatch();
      const bytes = Buffer.concat(batch.flatMap(({ json }) => [json, LINE_END]));
      this.#judge(batch, await this.#sink.write(bytes));
    }
    this.#writing = undefined;
  }

  #takeBatch(): EncodedEvent[] {
    const batch: EncodedEvent[] = [];
    let bytes = 0;
    for (;;) {
      const next = this.#queue.nextBytes;
      if (next === undefined || (batch.length > 0 && bytes + next > BATCH_BYTES)) return batch;
      bytes += next;
      batch.push(this.#queue.shift() as EncodedEvent);
    }
  }

  #judge(batch: readonly EncodedEvent[], { count, error }: Written): void {
    const { metrics } = this.#environment;
    let end = 0;
    for (const event of batch) {
      const bytes = event.json.length + LINE_END.length;
      end += bytes;
      if (end <= count) metrics.written(event, this.name, bytes);
      else metrics.failed(event.type, this.name);
    }
    if (error !== undefined) this.#complaints.say("Failed to write events", { output: this.name, err: error.message });
  }
}
