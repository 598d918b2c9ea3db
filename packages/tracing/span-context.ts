// Which trace a request belongs to, as it travels in the headers `traceparent` and `tracestate`. Source: W3C Trace Context.

/** What one span tells another of itself. */
export interface SpanContext {
  /** 32 hexadecimal digits, not all of them 0. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** Whether whoever began the trace wants it recorded. */
  readonly isSampled: boolean;
  /** What other tracing systems pass on to one another, as it came; "" for nothing. */
  readonly traceState: string;
}

/** Longer headers of other systems are not passed on. */
const MAX_STATE_CHARS = 512;
const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZEROS = /^0+$/;
const PRINTABLE = /^[\x20-\x7e]*$/;

/** Reads the headers of a request; undefined where there is no `traceparent`, and where it is not one. */
export function spanContextFrom(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): SpanContext | undefined {
  const parent = headers["traceparent"];
  if (typeof parent !== "string") return undefined;
  const parts = PARENT.exec(parent.trim());
  if (parts === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = parts;
  // Later versions may say more behind it; what this one knows stays where it is.
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined;
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined;
  const state = headers["tracestate"] ?? "";
  const text = typeof state === "string" ? state : state.join(",");
  const traceState = text.length <= MAX_STATE_CHARS && PRINTABLE.test(text) ? text : "";
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1, traceState };
}

/** The `traceparent` of a recorded span. */
export function traceparentOf(traceId: string, spanId: string): string {
  return `00-${traceId}-${spanId}-01`;
}
