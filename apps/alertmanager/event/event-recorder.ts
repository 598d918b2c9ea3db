// Takes note of events, and hands them to all outputs.
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Clock } from "../clock.ts";
import type { EventRecorderConfig } from "../config/event-recorder.ts";
import { Moment } from "../moment/moment.ts";
import { BoundedQueue } from "./bounded-queue.ts";
import { Complaints } from "./complaints.ts";
import { type Circumstances, type EncodedEvent, type Event, type EventSink, encodeEvent } from "./event.ts";
import { EventMetrics } from "./event-metrics.ts";
import { CLOSE_LIMIT_MS, type EventOutput, type OutputEnvironment } from "./event-output.ts";
import { type OutputPlan, planOutputs } from "./output-plan.ts";

/**
 * Events that wait to be written down, some 400 bytes each; more at a time are dropped and counted. Room for a reload that puts that
 * many alerts into their groups at once.
 */
const QUEUE_EVENTS = 32_768;
/** So many are written down before others have their turn: some 8 milliseconds of small ones. */
const EVENTS_PER_TURN = 512;
/** Or this share of what waits, if that is more: who records without a pause must not fill the queue for good. */
const SHARE_PER_TURN = 1 / 8;

export interface EventRecorderOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Name of the machine. */
  readonly instance: string;
  /** Place among the peers, from 0. */
  readonly clusterPosition: () => number;
  /** What a configuration asks for; another one for tests. */
  readonly plan?: (config: EventRecorderConfig) => readonly OutputPlan[];
}

interface Waiting {
  readonly event: Event;
  readonly circumstances: Circumstances;
  /** Those that there were when it was recorded. */
  readonly outputs: readonly Output[];
}

/** An output that a reload has taken out. */
interface Leaving {
  readonly output: EventOutput;
  /** How many events will have been handed on, since the start, when it has all that are for it. */
  readonly at: number;
}

interface Output extends Pick<OutputPlan, "key"> {
  readonly output: EventOutput;
}

/**
 * Whoever records only puts a few words into a queue. They become JSON in a later turn of the event loop, once for all outputs, each
 * of which has a queue of its own: one that is slow or broken holds up neither the others nor the Alertmanager.
 */
export class EventRecorder implements EventSink {
  readonly #options: EventRecorderOptions;
  readonly #metrics: EventMetrics;
  readonly #complaints: Complaints;
  readonly #queue = new BoundedQueue<Waiting>({ items: QUEUE_EVENTS, bytes: 0 });
  /** In the order of their leaving. */
  readonly #leaving: Leaving[] = [];
  /** Outputs that have left, and still have something to deliver. */
  readonly #retiring = new Set<Promise<void>>();
  #handedOn = 0;
  #outputs: readonly Output[] = [];
  #isAwake = false;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#metrics = new EventMetrics(options.registry, () => this.#queue.length);
    this.#complaints = new Complaints(options.clock, options.logger);
  }

  record(event: Event): void {
    if (this.#outputs.length === 0) return;
    const { clock, instance, clusterPosition } = this.#options;
    const outputs = this.#outputs;
    const circumstances = { at: Moment.fromMs(clock.now()), instance, clusterPosition: clusterPosition() };
    if (!this.#queue.push({ event, circumstances, outputs })) this.#metrics.dropped(event.type);
    else if (!this.#isAwake) {
      this.#isAwake = true;
      setImmediate(() => this.#takeTurn());
    }
  }

  /**
   * Puts a configuration in force. Outputs that are the same as before stay; what the others still hold is delivered behind the
   * scenes. An output that cannot be made is logged, and the others do without it.
   */
  apply(config: EventRecorderConfig | undefined): void {
    const plans = config === undefined ? [] : (this.#options.plan ?? planOutputs)(config);
    const before = [...this.#outputs];
    const outputs: Output[] = [];
    for (const plan of plans) {
      const same = before.findIndex(({ key }) => key === plan.key);
      if (same >= 0) {
        const [kept] = before.splice(same, 1) as [Output];
        kept.output.reloaded();
        outputs.push(kept);
      } else {
        const output = this.#made(plan);
        if (output !== undefined) outputs.push({ key: plan.key, output });
      }
    }
    this.#outputs = outputs;
    const at = this.#handedOn + this.#queue.length;
    this.#leaving.push(...before.map(({ output }) => ({ output, at })));
    this.#letGo();
  }

  /** Delivers what there is. Outputs that do not take it in time lose it; see `CLOSE_LIMIT_MS`. */
  async close(): Promise<void> {
    this.apply(undefined);
    // The clock's timers keep no process alive, and it would end while an output waits for one: to try again, or to give up.
    const alive = setInterval(() => {}, CLOSE_LIMIT_MS);
    while (this.#leaving.length > 0) await new Promise((resolve) => setImmediate(resolve));
    await Promise.all(this.#retiring);
    clearInterval(alive);
  }

  #made(plan: OutputPlan): EventOutput | undefined {
    const { clock, logger } = this.#options;
    const environment: OutputEnvironment = { clock, logger, metrics: this.#metrics };
    try {
      const output = plan.make(environment);
      this.#metrics.prepareFor(output.name);
      return output;
    } catch (error) {
      logger.error("An output of the event recorder could not be made", {
        output: plan.name,
        err: (error as Error).message,
      });
      return undefined;
    }
  }

  /** Ends outputs that have got everything. */
  #letGo(): void {
    while (this.#leaving[0] !== undefined && this.#leaving[0].at <= this.#handedOn) {
      const { output } = this.#leaving.shift() as Leaving;
      const closing = output.close().finally(() => this.#retiring.delete(closing));
      this.#retiring.add(closing);
    }
  }

  #takeTurn(): void {
    const count = Math.max(EVENTS_PER_TURN, this.#queue.length * SHARE_PER_TURN);
    for (let i = 0; i < count; i++) {
      const waiting = this.#queue.shift();
      if (waiting === undefined) break;
      this.#handOn(waiting);
    }
    this.#letGo();
    this.#isAwake = this.#queue.length > 0;
    if (this.#isAwake) setImmediate(() => this.#takeTurn());
  }

  #handOn(waiting: Waiting): void {
    this.#handedOn++;
    const encoded = this.#encoded(waiting);
    if (encoded !== undefined) for (const { output } of waiting.outputs) output.send(encoded);
  }

  #encoded({ event, circumstances, outputs }: Waiting): EncodedEvent | undefined {
    try {
      return encodeEvent(event, circumstances);
    } catch (error) {
      for (const { output } of outputs) {
        this.#metrics.unwritable(event.type);
        this.#metrics.failed(event.type, output.name);
      }
      this.#complaints.say("An event could not be written down", {
        event_type: event.type,
        err: (error as Error).message,
      });
      return undefined;
    }
  }
}
