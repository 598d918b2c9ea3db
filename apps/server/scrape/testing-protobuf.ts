// Protobuf bodies for tests and benchmarks.
import { WireWriter } from "@narthex/encoding";

/** A metric family in the field names of `metrics.proto`, shortened. */
export interface FamilyDraft {
  readonly name: string;
  readonly type: "counter" | "gauge" | "summary" | "untyped" | "histogram" | "gauge_histogram";
  readonly help?: string;
  readonly unit?: string;
  readonly metrics: readonly MetricDraft[];
}

export interface ExemplarDraft {
  readonly id: string;
  readonly value: number;
  /** Seconds. */
  readonly time?: number;
}

export interface MetricDraft {
  readonly labels?: Readonly<Record<string, string>>;
  readonly timestamp?: number;
  /** Seconds. */
  readonly created?: number;
  readonly value?: number;
  readonly count?: number;
  readonly sum?: number;
  readonly quantiles?: readonly (readonly [quantile: number, value: number])[];
  readonly buckets?: readonly (readonly [bound: number, count: number, exemplar?: ExemplarDraft])[];
  readonly schema?: number;
  readonly zeroThreshold?: number;
  readonly zeroCount?: number;
  readonly countFloat?: number;
  readonly positiveSpans?: readonly (readonly [offset: number, length: number])[];
  readonly negativeSpans?: readonly (readonly [offset: number, length: number])[];
  readonly positiveDeltas?: readonly number[];
  readonly negativeDeltas?: readonly number[];
  readonly positiveCounts?: readonly number[];
  readonly exemplars?: readonly ExemplarDraft[];
}

const TYPES = ["counter", "gauge", "summary", "untyped", "histogram", "gauge_histogram"];
const FIELDS = [3, 2, 4, 5, 7, 7];

/** The families as a target sends them, each behind its length. */
export function encodeFamilies(families: readonly FamilyDraft[]): Uint8Array {
  const body = new WireWriter();
  for (const family of families) {
    const writer = new WireWriter();
    writeFamily(writer, family);
    body.uvarint(writer.length);
    body.raw(writer.view());
  }
  return body.toBytes();
}

function inside(writer: WireWriter, field: number, write: () => void): void {
  const mark = writer.begin(field);
  write();
  writer.end(mark);
}

function writeFamily(writer: WireWriter, { name, type, help, unit, metrics }: FamilyDraft): void {
  const code = TYPES.indexOf(type);
  writer.textField(1, name);
  if (help !== undefined) writer.textField(2, help);
  writer.uintField(3, code);
  for (const metric of metrics) {
    inside(writer, 4, () => {
      for (const [label, value] of Object.entries(metric.labels ?? {})) writePair(writer, label, value);
      inside(writer, FIELDS[code] as number, () => writeValue(writer, type, metric));
      if (metric.timestamp !== undefined) writer.intField(6, metric.timestamp);
    });
  }
  if (unit !== undefined) writer.textField(5, unit);
}

function writePair(writer: WireWriter, name: string, value: string): void {
  inside(writer, 1, () => {
    writer.textField(1, name);
    writer.textField(2, value);
  });
}

function writeTime(writer: WireWriter, field: number, seconds: number | undefined): void {
  if (seconds === undefined) return;
  inside(writer, field, () => {
    writer.intField(1, Math.floor(seconds));
    writer.intField(2, Math.round((seconds % 1) * 1e9));
  });
}

function writeExemplar(writer: WireWriter, field: number, exemplar: ExemplarDraft | undefined): void {
  if (exemplar === undefined) return;
  inside(writer, field, () => {
    writePair(writer, "trace_id", exemplar.id);
    writer.doubleField(2, exemplar.value);
    writeTime(writer, 3, exemplar.time);
  });
}

function writeValue(writer: WireWriter, type: FamilyDraft["type"], metric: MetricDraft): void {
  switch (type) {
    case "summary":
      writer.uintField(1, metric.count ?? 0);
      writer.doubleField(2, metric.sum ?? 0);
      for (const [quantile, value] of metric.quantiles ?? []) {
        inside(writer, 3, () => {
          writer.doubleField(1, quantile);
          writer.doubleField(2, value);
        });
      }
      writeTime(writer, 4, metric.created);
      break;
    case "histogram":
    case "gauge_histogram":
      writeHistogram(writer, metric);
      break;
    default:
      writer.doubleField(1, metric.value ?? 0);
      if (type !== "counter") return;
      writeExemplar(writer, 2, metric.exemplars?.[0]);
      writeTime(writer, 3, metric.created);
  }
}

function writeHistogram(writer: WireWriter, metric: MetricDraft): void {
  writer.uintField(1, metric.count ?? 0);
  writer.doubleField(2, metric.sum ?? 0);
  for (const [bound, count, exemplar] of metric.buckets ?? []) {
    inside(writer, 3, () => {
      writer.uintField(1, count);
      writer.doubleField(2, bound);
      writeExemplar(writer, 3, exemplar);
    });
  }
  if (metric.countFloat !== undefined) writer.doubleField(4, metric.countFloat);
  if (metric.schema !== undefined) writer.sintField(5, metric.schema);
  if (metric.zeroThreshold !== undefined) writer.doubleField(6, metric.zeroThreshold);
  if (metric.zeroCount !== undefined) writer.uintField(7, metric.zeroCount);
  const spans = (field: number, list: FamilySpans) => {
    for (const [offset, length] of list ?? []) {
      inside(writer, field, () => {
        writer.sintField(1, offset);
        writer.uintField(2, length);
      });
    }
  };
  spans(9, metric.negativeSpans);
  for (const delta of metric.negativeDeltas ?? []) writer.sintField(10, delta);
  spans(12, metric.positiveSpans);
  for (const delta of metric.positiveDeltas ?? []) writer.sintField(13, delta);
  for (const count of metric.positiveCounts ?? []) writer.doubleField(14, count);
  writeTime(writer, 15, metric.created);
  for (const exemplar of metric.exemplars ?? []) writeExemplar(writer, 16, exemplar);
}

type FamilySpans = MetricDraft["positiveSpans"];
