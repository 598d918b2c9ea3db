// What the recorder counts, under the reference's names.
import { Counter, Gauge, type Registry } from "@narthex/client";
import type { EncodedEvent, EventType } from "./event.ts";

export class EventMetrics {
  readonly #recorded: Counter<readonly ["event_type", "output", "result"]>;
  readonly #bytes: Counter<readonly ["event_type", "output"]>;
  readonly #dropped: Counter<readonly ["event_type"]>;
  readonly #unwritable: Counter<readonly ["event_type"]>;
  readonly #outputDrops: Counter<readonly ["output"]>;

  /** `queueLength` is asked at each scrape. */
  constructor(registry: Registry, queueLength: () => number) {
    const registers = [registry];
    this.#recorded = new Counter({
      name: "alertmanager_events_recorded_total",
      help: "The total number of events recorded by the event recorder.",
      labelNames: ["event_type", "output", "result"] as const,
      registers,
    });
    this.#bytes = new Counter({
      name: "alertmanager_event_recorder_bytes_written_total",
      help: "The total number of bytes written to the event recorder.",
      labelNames: ["event_type", "output"] as const,
      registers,
    });
    this.#dropped = new Counter({
      name: "alertmanager_events_dropped_total",
      help: "The total number of events dropped due to a full queue.",
      labelNames: ["event_type"] as const,
      registers,
    });
    this.#unwritable = new Counter({
      name: "alertmanager_event_serialize_errors_total",
      help: "The total number of events that failed to serialize.",
      labelNames: ["event_type"] as const,
      registers,
    });
    this.#outputDrops = new Counter({
      name: "alertmanager_event_output_drops_total",
      help: "The total number of events dropped by an output due to a full local buffer.",
      labelNames: ["output"] as const,
      registers,
    });
    const length: Gauge = new Gauge({
      name: "alertmanager_event_recorder_queue_length",
      help: "Current number of events waiting in the event recorder write queue.",
      registers,
      collect: () => length.set(queueLength()),
    });
  }

  /** An output has it, with so many bytes. */
  written({ type }: EncodedEvent, output: string, bytes: number): void {
    this.#recorded.labels(type, output, "success").inc();
    this.#bytes.labels(type, output).inc(bytes);
  }

  /** An output has tried, and has given up. */
  failed(type: EventType, output: string): void {
    this.#recorded.labels(type, output, "error").inc();
  }

  /** No output got it: too much happened at once. */
  dropped(type: EventType): void {
    this.#dropped.labels(type).inc();
  }

  unwritable(type: EventType): void {
    this.#unwritable.labels(type).inc();
  }

  /** An output got it while it had too many others, or after its time was up. */
  outputDropped(output: string, events: number = 1): void {
    this.#outputDrops.labels(output).inc(events);
  }

  /** Makes the series by which an output that drops nothing is seen. */
  prepareFor(output: string): void {
    this.#outputDrops.labels(output);
  }
}
