// One thing that happened, and who takes note of it.
import type { Moment } from "../moment/moment.ts";
import { type Message, message, timestamp } from "./message.ts";

/** What can happen, by the names that the label `event_type` has. */
export type EventType =
  | "alertmanager_startup_event"
  | "alertmanager_shutdown_event"
  | "alert_created"
  | "alert_resolved"
  | "alert_grouped"
  | "notification"
  | "silence_created"
  | "silence_updated"
  | "silence_muted_alert"
  | "inhibition_muted_alert";

export interface Event {
  readonly type: EventType;
  /**
   * What is told of it. Asked for later, and only when somebody is to be told: what it looks at must not change meanwhile. `at` is
   * the moment of recording. Throws when a value does not fit the schema.
   */
  content(at: Moment): Message;
}

/** Takes note of events: at once, without waiting and without throwing. */
export interface EventSink {
  record(event: Event): void;
}

/** Where nobody takes note. */
export const noEvents: EventSink = { record: () => {} };

/** When and where an event was recorded. */
export interface Circumstances {
  readonly at: Moment;
  /** Name of the machine. */
  readonly instance: string;
  /** Place among the peers, from 0; 0 without a cluster. */
  readonly clusterPosition: number;
}

/** As it goes to the outputs. */
export interface EncodedEvent {
  readonly type: EventType;
  /** JSON without a line end; shared by all outputs, so not to be changed. */
  readonly json: Buffer;
}

/** Throws when the event has a value that does not fit the schema. */
export function encodeEvent(event: Event, { at, instance, clusterPosition }: Circumstances): EncodedEvent {
  const told = message({
    "@timestamp": timestamp(at),
    instance,
    data: { [jsonName(event.type)]: event.content(at) },
    clusterPosition,
  });
  return { type: event.type, json: Buffer.from(JSON.stringify(told)) };
}

/** `alertCreated` for `alert_created`. */
function jsonName(type: EventType): string {
  return type.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
