// The protobuf format: messages `io.prometheus.client.MetricFamily`, each with its length before it; the only format that carries
// native histograms. Source: prometheus/client_model, io/prometheus/client/metrics.proto.
import type { FamilyHeader, FamilyType, NativeBuckets, SampleExemplar, SampleExtras } from "./family-writer.ts";
import { FormatWriter } from "./format-writer.ts";
import { parseLabels } from "./names.ts";
import { ProtobufEncoder } from "./protobuf-encoder.ts";

const TYPES: Record<FamilyType, number> = {
  counter: 0,
  gauge: 1,
  summary: 2,
  unknown: 3,
  histogram: 4,
  gaugehistogram: 5,
  info: 1,
  stateset: 1,
};

/** Writes protobuf. A family goes out as a whole, since its length stands before it; families without series are left out. */
export class ProtobufWriter<Source = unknown> extends FormatWriter<Source> {
  readonly #encoder = new ProtobufEncoder();
  #type: FamilyType = "unknown";
  #head = new Uint8Array(0);
  #tail = new Uint8Array(0);
  #metrics = new Uint8Array(4096);
  #used = 0;

  protected override begin(header: FamilyHeader, name: string): void {
    this.#type = header.type;
    this.#used = 0;
    const encoder = this.#encoder;
    encoder.clear();
    encoder.uint(3, TYPES[header.type]);
    if (header.help !== "") encoder.string(2, header.help);
    encoder.string(1, name);
    this.#head = encoder.view().slice();
    encoder.clear();
    if (header.unit !== "") encoder.string(5, header.unit);
    this.#tail = encoder.view().slice();
  }

  override take(): undefined {
    return undefined;
  }

  override seal(): Uint8Array {
    if (this.#used === 0) return new Uint8Array(0);
    const size = this.#head.length + this.#used + this.#tail.length;
    const encoder = this.#encoder;
    encoder.clear();
    encoder.varint(size);
    const prefix = encoder.view();
    const out = new Uint8Array(prefix.length + size);
    out.set(prefix);
    out.set(this.#head, prefix.length);
    out.set(this.#metrics.subarray(0, this.#used), prefix.length + this.#head.length);
    out.set(this.#tail, out.length - this.#tail.length);
    this.#used = 0;
    return out;
  }

  override end(): Uint8Array {
    return new Uint8Array(0);
  }

  override value(labels: string, value: number, created: number, extras?: SampleExtras): void {
    const encoder = this.#encoder;
    encoder.clear();
    if (extras?.timestamp !== undefined) this.#timestampMs(extras.timestamp);
    const before = encoder.length;
    switch (this.#type) {
      case "counter":
        if (created > 0) this.#time(3, created);
        if (extras?.exemplar !== undefined) this.#exemplar(2, extras.exemplar);
        encoder.double(1, value);
        encoder.message(3, before);
        break;
      case "unknown":
        encoder.double(1, value);
        encoder.message(5, before);
        break;
      default:
        encoder.double(1, value);
        encoder.message(2, before);
    }
    this.#metric(labels);
  }

  override histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
    native?: NativeBuckets,
  ): void {
    const encoder = this.#encoder;
    encoder.clear();
    if (native !== undefined) {
      for (let i = native.exemplars.length - 1; i >= 0; i--) this.#exemplar(16, native.exemplars[i] as SampleExemplar);
    }
    if (created > 0) this.#time(15, created);
    if (native !== undefined) {
      this.#deltas(13, native.positiveDeltas);
      // A span of no length is how an empty native histogram is told from a classic one without buckets.
      const isEmpty =
        native.zeroThreshold === 0 &&
        native.zeroCount === 0 &&
        native.positiveSpans.length === 0 &&
        native.negativeSpans.length === 0;
      this.#spans(12, isEmpty ? [0, 0] : native.positiveSpans);
      this.#deltas(10, native.negativeDeltas);
      this.#spans(9, native.negativeSpans);
      encoder.uint(7, native.zeroCount);
      encoder.double(6, native.zeroThreshold);
      encoder.zigzag(native.schema);
      encoder.tag(5, 0);
    }
    // +Inf is understood from the count, unless it has an exemplar to carry.
    const last = exemplars?.[bounds.length] === undefined ? bounds.length - 1 : bounds.length;
    for (let i = last; i >= 0; i--) {
      const before = encoder.length;
      const exemplar = exemplars?.[i];
      if (exemplar !== undefined) this.#exemplar(3, exemplar);
      encoder.double(2, i < bounds.length ? (bounds[i] as number) : Infinity);
      encoder.uint(1, cumulative[i] as number);
      encoder.message(3, before);
    }
    encoder.double(2, sum);
    encoder.uint(1, cumulative[bounds.length] as number);
    encoder.message(7, 0);
    this.#metric(labels);
  }

  override summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void {
    const encoder = this.#encoder;
    encoder.clear();
    if (created > 0) this.#time(4, created);
    for (let i = quantiles.length - 1; i >= 0; i--) {
      const before = encoder.length;
      encoder.double(2, values[i] as number);
      encoder.double(1, quantiles[i] as number);
      encoder.message(3, before);
    }
    encoder.double(2, sum);
    encoder.uint(1, count);
    encoder.message(4, 0);
    this.#metric(labels);
  }

  /** Puts the labels before what is in the encoder, and the whole among the family's metrics. */
  #metric(labels: string): void {
    const encoder = this.#encoder;
    if (labels !== "") this.#labelPairs(1, parseLabels(this.labels(labels)));
    encoder.message(4, 0);
    const bytes = encoder.view();
    if (this.#used + bytes.length > this.#metrics.length) {
      const larger = new Uint8Array(Math.max(this.#metrics.length * 2, this.#used + bytes.length));
      larger.set(this.#metrics.subarray(0, this.#used));
      this.#metrics = larger;
    }
    this.#metrics.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #labelPairs(field: number, pairs: readonly string[]): void {
    const encoder = this.#encoder;
    for (let i = pairs.length - 2; i >= 0; i -= 2) {
      const before = encoder.length;
      encoder.string(2, pairs[i + 1] as string);
      encoder.string(1, pairs[i] as string);
      encoder.message(field, before);
    }
  }

  #spans(field: number, spans: readonly number[]): void {
    const encoder = this.#encoder;
    for (let i = spans.length - 2; i >= 0; i -= 2) {
      const before = encoder.length;
      encoder.uint(2, spans[i + 1] as number);
      encoder.zigzag(spans[i] as number);
      encoder.tag(1, 0);
      encoder.message(field, before);
    }
  }

  #deltas(field: number, deltas: readonly number[]): void {
    for (let i = deltas.length - 1; i >= 0; i--) {
      this.#encoder.zigzag(deltas[i] as number);
      this.#encoder.tag(field, 0);
    }
  }

  #exemplar(field: number, exemplar: SampleExemplar): void {
    const before = this.#encoder.length;
    if (exemplar.timestamp > 0) this.#time(3, exemplar.timestamp);
    this.#encoder.double(2, exemplar.value);
    this.#labelPairs(1, Object.entries(exemplar.labels).flat());
    this.#encoder.message(field, before);
  }

  /** A `google.protobuf.Timestamp`. */
  #time(field: number, seconds: number): void {
    const encoder = this.#encoder;
    const before = encoder.length;
    const whole = Math.floor(seconds);
    // What comes as a float of seconds is known to about a microsecond.
    const nanos = Math.round((seconds - whole) * 1e6) * 1000;
    if (nanos > 0) encoder.uint(2, Math.min(nanos, 999_999_999));
    if (whole > 0) encoder.uint(1, whole);
    encoder.message(field, before);
  }

  #timestampMs(seconds: number): void {
    this.#encoder.int64(Math.round(seconds * 1000));
    this.#encoder.tag(6, 0);
  }
}
