// Where traces begin: decides whether a piece of work is recorded.
import { Span, type SpanSink, type SpanStart } from "./span.ts";
import type { SpanContext } from "./span-context.ts";

/** How the first span of this program in a trace begins. */
export interface TraceStart extends SpanStart {
  /** Who asked for the work, in another program: then that one has decided whether it is recorded. */
  readonly parent?: SpanContext | undefined;
}

const NOTHING: TraceStart = {};

/**
 * Switched on and off by reloads while whoever begins spans goes on holding it. Parts of a span begin with `Span.child`, so that what
 * is not recorded has none.
 */
export class Tracer {
  #sink: SpanSink | undefined;
  #share = 0;

  /** Whether spans may come of `start`: ask where names and attributes cost something. */
  get isOn(): boolean {
    return this.#sink !== undefined;
  }

  /** Records `share` (0 to 1) of the traces that begin here, and those of which others want it, into `sink`; undefined records nothing. */
  use(sink: SpanSink | undefined, share: number): void {
    this.#sink = sink;
    this.#share = share;
  }

  /** Undefined where the work is not recorded. Whoever gets a span must end it. */
  start(name: string, start: TraceStart = NOTHING): Span | undefined {
    const sink = this.#sink;
    if (sink === undefined) return undefined;
    const { parent } = start;
    if (parent !== undefined) return parent.isSampled ? new Span(sink, name, parent.traceId, parent, start) : undefined;
    const traceId = sink.ids.traceIdBelow(this.#share);
    return traceId === undefined ? undefined : new Span(sink, name, traceId, undefined, start);
  }
}

/** For whoever was given no tracer. */
export const SILENT_TRACER: Tracer = new Tracer();
