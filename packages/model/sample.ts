// Special sample values. The stale marker is one exact NaN pattern, so it is told apart by bits, never by value:
// passing it through JavaScript arithmetic may change its bits, copying between typed arrays does not.

/** Upper and lower half of the NaN that ends a series (0x7ff0000000000002). */
export const STALE_NAN_HIGH = 0x7ff00000;
export const STALE_NAN_LOW = 0x00000002;

/** Upper and lower half of the ordinary NaN (0x7ff8000000000001), as the reference writes it. */
export const NORMAL_NAN_HIGH = 0x7ff80000;
export const NORMAL_NAN_LOW = 0x00000001;

/** Tells whether the value at `index` of a Float64Array is a stale marker; `halves` views the same memory (little-endian). */
export function isStaleAt(halves: Uint32Array, index: number): boolean {
  return halves[2 * index + 1] === STALE_NAN_HIGH && halves[2 * index] === STALE_NAN_LOW;
}

const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);

/** Tells whether a number has the bits of a stale marker. It must come as it was read, and have gone through no arithmetic. */
export function isStaleNumber(value: number): boolean {
  scratch[0] = value;
  return isStaleAt(scratchHalves, 0);
}

/** What a metric is, as its exposition says. `unknown` covers the text format's `untyped`. */
export type MetricType =
  | "counter"
  | "gauge"
  | "histogram"
  | "gaugehistogram"
  | "summary"
  | "info"
  | "stateset"
  | "unknown";

export interface Metadata {
  readonly type: MetricType;
  readonly help: string;
  readonly unit: string;
}

/** A sample with a trace's labels. `t` in milliseconds. */
export interface Exemplar {
  readonly labels: import("./labels.ts").Labels;
  readonly value: number;
  readonly t: number;
}
