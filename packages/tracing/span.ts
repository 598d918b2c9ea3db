// One piece of work of a trace that is recorded: what was done, from when to when, and how it ended.
import type { RandomIds } from "./random-ids.ts";
import { type SpanContext, traceparentOf } from "./span-context.ts";

/** On which side of a call the work is; `internal` for none. */
export type SpanKind = "internal" | "server" | "client";

/** Integers stay integers, all other numbers become doubles. */
export type AttributeValue = string | number | boolean | readonly string[];
export type SpanAttributes = Readonly<Record<string, AttributeValue>>;

export interface SpanEvent {
  readonly name: string;
  /** Milliseconds since the epoch, with fractions. */
  readonly timeMs: number;
  readonly attributes: SpanAttributes;
}

/** Where spans go, and what they take from there. */
export interface SpanSink {
  readonly ids: RandomIds;
  /** Milliseconds since the epoch, with fractions. */
  now(): number;
  /** Takes a span that has ended. Never throws. */
  add(span: Span): void;
}

/** How a span begins. */
export interface SpanStart {
  /** Standard: `internal`. */
  readonly kind?: SpanKind;
  readonly attributes?: SpanAttributes;
  /** Milliseconds since the epoch; now unless given. */
  readonly startMs?: number;
}

/** Longer texts are cut: queries may be as long as their senders like. */
export const MAX_TEXT_CHARS = 4096;
/** Further attributes and events of one span are left out. */
export const MAX_ATTRIBUTES = 64;
export const MAX_EVENTS = 16;

const NOTHING: SpanStart = {};

export class Span {
  /** May be set until the span ends. */
  name: string;
  readonly kind: SpanKind;
  readonly traceId: string;
  readonly spanId: string;
  /** "" for the first span of a trace. */
  readonly parentId: string;
  /** Whether the parent is another program's. */
  readonly hasRemoteParent: boolean;
  readonly traceState: string;
  readonly startMs: number;
  endMs = 0;
  readonly attributes: Map<string, AttributeValue> = new Map();
  readonly events: SpanEvent[] = [];
  /** What went wrong; undefined where nothing did. */
  error: string | undefined;
  readonly #sink: SpanSink;
  #hasEnded = false;

  /** `parent` is what came from outside, or the span that this one is a part of. */
  constructor(
    sink: SpanSink,
    name: string,
    traceId: string,
    parent: SpanContext | Span | undefined,
    { kind = "internal", attributes, startMs = sink.now() }: SpanStart = NOTHING,
  ) {
    this.#sink = sink;
    this.name = name;
    this.kind = kind;
    this.traceId = traceId;
    this.spanId = sink.ids.spanId();
    this.parentId = parent?.spanId ?? "";
    this.hasRemoteParent = parent !== undefined && !(parent instanceof Span);
    this.traceState = parent?.traceState ?? "";
    this.startMs = startMs;
    if (attributes !== undefined) this.setAll(attributes);
  }

  /** The header by which another program goes on with this trace. */
  get traceparent(): string {
    return traceparentOf(this.traceId, this.spanId);
  }

  /** Milliseconds since the epoch, by the clock of all spans. */
  get nowMs(): number {
    return this.#sink.now();
  }

  /** Begins a part of this work. */
  child(name: string, start?: SpanStart): Span {
    return new Span(this.#sink, name, this.traceId, this, start);
  }

  /** Tells of a part that is over already; milliseconds since the epoch. */
  part(name: string, startMs: number, endMs: number): void {
    this.child(name, { startMs }).end(endMs);
  }

  set(name: string, value: AttributeValue): void {
    if (this.attributes.size < MAX_ATTRIBUTES || this.attributes.has(name)) this.attributes.set(name, cut(value));
  }

  setAll(attributes: SpanAttributes): void {
    for (const [name, value] of Object.entries(attributes)) this.set(name, value);
  }

  /** Adds the headers of this trace to those of a request that is a part of this work. */
  tell(headers: Record<string, unknown>): void {
    headers["traceparent"] = this.traceparent;
    if (this.traceState !== "") headers["tracestate"] = this.traceState;
  }

  /** Notes what went wrong, as an event and as how the work ended. */
  fail(error: unknown): void {
    const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
    this.error = cut(message);
    if (this.events.length >= MAX_EVENTS) return;
    const attributes = { "exception.type": name, "exception.message": this.error };
    this.events.push({ name: "exception", timeMs: this.#sink.now(), attributes });
  }

  /** The work is done; `endMs` is now unless given. What comes after the first call is ignored. */
  end(endMs: number = this.#sink.now()): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.endMs = Math.max(endMs, this.startMs);
    this.#sink.add(this);
  }
}

function cut<T extends AttributeValue>(value: T): T {
  return typeof value === "string" && value.length > MAX_TEXT_CHARS
    ? (value.slice(0, MAX_TEXT_CHARS).toWellFormed() as T)
    : value;
}
