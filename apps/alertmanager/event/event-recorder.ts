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
import type { EventOutput, OutputEnvironment } from "./event-output.ts";
import { type OutputPlan, planOutputs } from "./output-plan.ts";

/** Events that wait to be written down; more at a time are dropped and counted. */
const QUEUE_EVENTS = 8192;
/** So many are written down before others have their turn: some 2 milliseconds of small ones. */
const EVENTS_PER_TURN = 128;

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
  /** Outputs that a reload has taken out and that still have something to deliver. */
  readonly #retiring = new Set<Promise<void>>();
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
    const circumstances = { at: Moment.fromMs(clock.now()), instance, clusterPosition: clusterPosition() };
    if (!this.#queue.push({ event, circumstances })) this.#metrics.dropped(event.type);
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
    this.#drain();
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
    for (const { output } of before) this.#retire(output);
  }

  /** Delivers what there is. Outputs that do not take it in time lose it; see `CLOSE_LIMIT_MS`. */
  async close(): Promise<void> {
    this.#drain();
    const outputs = this.#outputs;
    this.#outputs = [];
    await Promise.all([...this.#retiring, ...outputs.map(({ output }) => output.close())]);
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

  #retire(output: EventOutput): void {
    const closing = output.close().finally(() => this.#retiring.delete(closing));
    this.#retiring.add(closing);
  }

  #takeTurn(): void {
    for (let i = 0; i < EVENTS_PER_TURN; i++) if (!this.#handOnNext()) break;
    this.#isAwake = this.#queue.length > 0;
    if (this.#isAwake) setImmediate(() => this.#takeTurn());
  }

  /** Events go to the outputs that there were when they were recorded. */
  #drain(): void {
    while (this.#handOnNext());
  }

  #handOnNext(): boolean {
    const waiting = this.#queue.shift();
    if (waiting === undefined) return false;
    const encoded = this.#encoded(waiting);
    if (encoded !== undefined) for (const { output } of this.#outputs) output.send(encoded);
    return true;
  }

  #encoded({ event, circumstances }: Waiting): EncodedEvent | undefined {
    try {
      return encodeEvent(event, circumstances);
    } catch (error) {
      for (const { output } of this.#outputs) {
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
