// Events posted to an address as JSON, one or many at a time.
import { pause, type Timer } from "../clock.ts";
import type { WebhookOutputConfig } from "../config/event-recorder.ts";
import { defaultHttpConfig } from "../config/http.ts";
import { DEADLINE } from "../notify/delivery.ts";
import { HttpClient } from "../notify/http-client.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import { Complaints } from "./complaints.ts";
import type { EncodedEvent } from "./event.ts";
import { type EventOutput, type OutputEnvironment, withinCloseLimit } from "./event-output.ts";

/** Waiting for a worker; what comes beyond that is dropped. */
const QUEUE = { items: 1024, bytes: 16 * 1024 * 1024 };
const [OPENING, COMMA, CLOSING] = ["[", ",", "]"].map((text) => Buffer.from(text)) as [Buffer, Buffer, Buffer];
const MAX_BACKOFF_MS = 30_000;
/** More of an answer is read, but not kept: nobody looks at it. */
const MAX_ANSWER_BYTES = 1024;
const DEFAULTS = {
  timeoutMs: 10_000,
  workers: 4,
  attempts: 3,
  backoffMs: 500,
  batch: { events: 100, bytes: 1024 * 1024, waitMs: 100 },
};

/** `webhook:` and the address without what may be secret in it: credentials, query and fragment. */
export function webhookName(address: string): string {
  try {
    const url = new URL(address);
    // Go leaves an address without a path as it is, where the standard adds a slash.
    const path = url.pathname === "/" && !/^[a-z]+:\/\/[^/?#]*\//i.test(address) ? "" : url.pathname;
    return `webhook:${url.protocol}//${url.host}${path}`;
  } catch {
    return "webhook:<invalid>";
  }
}

export class WebhookOutput implements EventOutput {
  readonly name: string;
  readonly #config: WebhookOutputConfig;
  readonly #environment: OutputEnvironment;
  readonly #client: HttpClient;
  readonly #complaints: Complaints;
  readonly #queue = new BoundedQueue<EncodedEvent>(QUEUE);
  readonly #settings: typeof DEFAULTS;
  readonly #aborter = new AbortController();
  /** Milliseconds since the epoch at which the batch that is being filled is sent, full or not. */
  #batchDueMs = 0;
  #batchTimer: Timer | undefined;
  #busyWorkers = 0;
  #isClosed = false;
  /** Called when nothing is left of what there was at the end. */
  #onIdle: () => void = () => {};

  /** Throws when the files of its HTTP configuration cannot be used. */
  constructor(config: WebhookOutputConfig, environment: OutputEnvironment) {
    this.name = webhookName(config.url.reveal());
    this.#config = config;
    this.#environment = environment;
    this.#client = new HttpClient(config.httpConfig ?? defaultHttpConfig(), process.env, MAX_ANSWER_BYTES);
    this.#complaints = new Complaints(environment.clock, environment.logger);
    this.#settings = {
      timeoutMs: config.timeout || DEFAULTS.timeoutMs,
      workers: positive(config.workers, DEFAULTS.workers),
      attempts: positive(config.maxRetries, DEFAULTS.attempts),
      backoffMs: config.retryBackoff || DEFAULTS.backoffMs,
      batch: config.batch
        ? {
            events: config.batchMaxEvents || DEFAULTS.batch.events,
            bytes: config.batchMaxBytes || DEFAULTS.batch.bytes,
            waitMs: config.batchFlushInterval || DEFAULTS.batch.waitMs,
          }
        : { events: 1, bytes: 0, waitMs: 0 },
    };
  }

  send(event: EncodedEvent): void {
    if (this.#isClosed || !this.#queue.push(event, event.json.length)) {
      this.#environment.metrics.outputDropped(this.name);
      this.#complaints.say("Too many events wait to be posted, new ones are dropped", { output: this.name });
      return;
    }
    if (this.#queue.length === 1) this.#beginBatch();
    this.#giveOut();
  }

  reloaded(): void {}

  async close(): Promise<void> {
    this.#isClosed = true;
    const idle = new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
    this.#giveOut();
    if (this.#busyWorkers > 0) await withinCloseLimit(idle, this.#environment.clock, () => this.#giveUp());
    this.#client.close();
  }

  #giveUp(): void {
    let lost = 0;
    while (this.#queue.shift() !== undefined) lost++;
    this.#environment.metrics.outputDropped(this.name, lost);
    this.#environment.logger.error("Events that could not be posted in time are lost", { output: this.name, lost });
    this.#aborter.abort();
  }

  /** Gives work to idle workers as long as a batch is full, has waited long enough, or is the last one. */
  #giveOut(): void {
    while (this.#busyWorkers < this.#settings.workers && this.#isBatchDue()) {
      const batch = this.#takeBatch();
      this.#beginBatch();
      this.#busyWorkers++;
      void this.#deliver(batch).then(() => {
        this.#busyWorkers--;
        this.#giveOut();
        if (this.#busyWorkers === 0) this.#onIdle();
      });
    }
  }

  #isBatchDue(): boolean {
    const { events, bytes } = this.#settings.batch;
    const { length } = this.#queue;
    if (length === 0) return false;
    const isFull = length >= events || arrayBytes(length, this.#queue.bytes) >= bytes;
    return isFull || this.#isClosed || this.#environment.clock.now() >= this.#batchDueMs;
  }

  #beginBatch(): void {
    const { clock } = this.#environment;
    const { events, waitMs } = this.#settings.batch;
    this.#batchTimer?.cancel();
    if (events === 1 || this.#queue.length === 0) return;
    this.#batchDueMs = clock.now() + waitMs;
    this.#batchTimer = clock.after(waitMs, () => this.#giveOut());
  }

  #takeBatch(): EncodedEvent[] {
    const { events, bytes } = this.#settings.batch;
    const batch = [this.#queue.shift() as EncodedEvent];
    let sum = (batch[0] as EncodedEvent).json.length;
    while (batch.length < events) {
      const next = this.#queue.nextBytes;
      if (next === undefined || arrayBytes(batch.length + 1, sum + next) > bytes) break;
      sum += next;
      batch.push(this.#queue.shift() as EncodedEvent);
    }
    return batch;
  }

  /** Never rejects. */
  async #deliver(batch: readonly EncodedEvent[]): Promise<void> {
    const { clock, metrics } = this.#environment;
    const { attempts, backoffMs } = this.#settings;
    const [first] = batch as readonly [EncodedEvent];
    const body = this.#config.batch ? arrayOf(batch) : first.json;
    let failure: string | undefined;
    for (let attempt = 1; attempt <= attempts; attempt++) {
      failure = await this.#post(body);
      if (failure === undefined) {
        for (const event of batch) metrics.written(event, this.name, event.json.length);
        return;
      }
      if (attempt === attempts || this.#aborter.signal.aborted) break;
      await pause(clock, Math.min(backoffMs * 2 ** (attempt - 1), MAX_BACKOFF_MS), this.#aborter.signal);
    }
    for (const { type } of batch) metrics.failed(type, this.name);
    this.#complaints.say("Posting events failed, they are lost", {
      output: this.name,
      events: batch.length,
      attempts,
      err: failure,
    });
  }

  /** Resolves with what went wrong, if anything did. */
  async #post(body: Buffer): Promise<string | undefined> {
    const aborter = new AbortController();
    const abort = (): void => aborter.abort(DEADLINE);
    const { signal } = this.#aborter;
    if (signal.aborted) return "the output was closed";
    signal.addEventListener("abort", abort);
    const timer = this.#environment.clock.after(this.#settings.timeoutMs, abort);
    try {
      const { status } = await this.#client.send({
        method: "POST",
        url: this.#config.url.reveal(),
        headers: { "Content-Type": "application/json" },
        body,
        signal: aborter.signal,
      });
      return status >= 200 && status < 300 ? undefined : `the answer was ${status}`;
    } catch (error) {
      return (error as Error).message;
    } finally {
      timer.cancel();
      signal.removeEventListener("abort", abort);
    }
  }
}

function positive(value: number, otherwise: number): number {
  return value > 0 ? value : otherwise;
}

function arrayOf(events: readonly EncodedEvent[]): Buffer {
  return Buffer.concat([...events.flatMap(({ json }, i) => [i === 0 ? OPENING : COMMA, json]), CLOSING]);
}

/** Of a JSON array whose elements have so many bytes together. */
function arrayBytes(elements: number, bytes: number): number {
  return bytes + Math.max(elements - 1, 0) + 2;
}
