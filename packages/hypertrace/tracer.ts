// Tracing of method calls: who called which method of which object. Source of names and shapes: hypertrace 1.4 (createTracer), and the
// class of its earlier versions.
import { callerOf } from "./caller.ts";

/** Values that a tracer, or a call, brings along. */
export type Props = Readonly<Record<string, unknown>>;

/** An object that is traced. */
export interface TracedObject {
  readonly className: string;
  /** Counts the objects of a class, from 1. */
  readonly id: number;
  readonly props: Props | null;
  readonly ctx: object;
}

/** Where a method was when it called `trace`. */
export interface Caller {
  readonly functionName: string;
  readonly filename: string;
  readonly line: number;
  readonly column: number;
  readonly props: Props | null;
}

/** What a trace function is told. */
export interface Trace {
  readonly id: string | null;
  readonly object: TracedObject;
  readonly parentObject: TracedObject | null;
  readonly caller: Caller;
}

export type TraceFunction = (trace: Trace) => void;

/** What `createTracer` returns. */
export interface Tracer {
  readonly enabled: boolean;
  readonly ctx: object | null;
  readonly className: string | null;
  readonly props: Props | null;
  readonly parentObject: TracedObject | null;
  readonly objectId: number | null;
  /** To be called by a method of the object. An `id` says which of several places in it. */
  trace(id?: string | Props | null, props?: Props | null): void;
  setParent(parent?: Tracer | null): void;
}

export interface TracerOptions {
  readonly parent?: Tracer | null;
  readonly props?: Props | null;
}

// All copies of the library in a process share it, as they share the objects.
const FUNCTION = Symbol.for("hypertrace.traceFunction");
const shared = globalThis as { [key: symbol]: TraceFunction | undefined };

interface ClassState {
  objects: number;
  /** Places of calls by their id; as many as a program names. */
  readonly callers: Map<string, Omit<Caller, "props">>;
}

/** How many ids a class may have before places are looked for anew each time. */
const IDS_KEPT = 1000;

// Classes may come and go.
const states = new WeakMap<object, ClassState>();

function stateOf(type: object): ClassState {
  let state = states.get(type);
  if (state === undefined) states.set(type, (state = { objects: 0, callers: new Map() }));
  return state;
}

/** Traces one object. Made by `createTracer`, or `new Hypertrace(this, props)` as earlier versions had it. */
export class Hypertrace implements Tracer {
  readonly enabled = true;
  readonly ctx: object;
  readonly className: string;
  readonly props: Props | null;
  readonly objectId: number;
  parentObject: TracedObject | null;
  readonly #state: ClassState;

  static setTraceFunction(trace: TraceFunction): void {
    setTraceFunction(trace);
  }

  static clearTraceFunction(): void {
    clearTraceFunction();
  }

  /** Without `parent` or `props` among the options, all of them are taken for props. */
  constructor(ctx: object, options: TracerOptions | Props = {}) {
    if (!ctx) throw new Error("Context required, see hypertrace documentation");
    const isOptions = "parent" in options || "props" in options;
    const { parent, props } = isOptions ? (options as TracerOptions) : { parent: null, props: options as Props };
    this.ctx = ctx;
    this.className = ctx.constructor?.name ?? "Object";
    this.props = props && Object.keys(props).length > 0 ? props : null;
    this.parentObject = objectOf(parent);
    this.#state = stateOf(ctx.constructor ?? Object);
    this.objectId = ++this.#state.objects;
  }

  setParent(parent?: Tracer | null): void {
    this.parentObject = objectOf(parent);
  }

  /** The id of the object, as earlier versions named it. */
  getObjectId(): number {
    return this.objectId;
  }

  trace(first?: string | Props | null, second?: Props | null): void {
    const traceFunction = shared[FUNCTION];
    if (traceFunction === undefined) return;
    const id = typeof first === "string" ? first : null;
    const props = typeof first === "string" ? second : first;
    const place = this.#placeOf(id);
    traceFunction({
      id: id || null,
      object: { className: this.className, id: this.objectId, props: this.props && { ...this.props }, ctx: this.ctx },
      parentObject: this.parentObject,
      caller: { ...place, props: props ? { ...props } : null },
    });
  }

  #placeOf(id: string | null): Omit<Caller, "props"> {
    const { callers } = this.#state;
    const known = id ? callers.get(id) : undefined;
    if (known !== undefined) return known;
    // The third line of a stack, after the message and this method's caller here, is the method that is traced.
    const place = callerOf(new Error().stack ?? "", 3, this.className);
    if (id && callers.size < IDS_KEPT) callers.set(id, place);
    return place;
  }
}

/** Stands for all tracers while nobody listens: it costs next to nothing. */
const OFF: Tracer = Object.freeze({
  enabled: false,
  ctx: null,
  className: null,
  props: null,
  parentObject: null,
  objectId: null,
  trace: () => undefined,
  setParent: () => undefined,
});

/** A tracer of an object, if a trace function is set now; one that never traces otherwise. Throws without an object. */
export function createTracer(ctx: object, options: TracerOptions = {}): Tracer {
  if (shared[FUNCTION] === undefined) return OFF;
  return new Hypertrace(ctx, { parent: options.parent ?? null, props: options.props ?? null });
}

/** Has all traces told to this function, in place of any before it. */
export function setTraceFunction(trace: TraceFunction): void {
  shared[FUNCTION] = trace;
}

export function clearTraceFunction(): void {
  shared[FUNCTION] = undefined;
}

function objectOf(tracer: Tracer | null | undefined): TracedObject | null {
  if (!tracer || tracer.ctx === null) return null;
  const { className, objectId, props, ctx } = tracer;
  return { className: className ?? "", id: objectId ?? 0, props: { ...props }, ctx };
}
