// What an OpenTelemetry metric says of itself, all but its points.
import type { WireReader } from "@narthex/encoding";
import type { MetricType } from "@narthex/model";
import { DataField, MetricField, Temporality } from "./fields.ts";

/** What kind of data a metric has, by the field that holds it. */
export interface MetricHeader {
  name: string;
  description: string;
  unit: string;
  /** A number of `MetricField`; 0 for none. */
  kind: number;
  dataStart: number;
  dataEnd: number;
  temporality: number;
  isMonotonic: boolean;
  pointCount: number;
}

/** Reads the metric that `reader` is inside of, all but its points. */
export function readHeader(reader: WireReader): MetricHeader {
  const header: MetricHeader = {
    name: "",
    description: "",
    unit: "",
    kind: 0,
    dataStart: 0,
    dataEnd: 0,
    temporality: 0,
    isMonotonic: false,
    pointCount: 0,
  };
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    switch (field) {
      case MetricField.name:
        header.name = reader.textField();
        break;
      case MetricField.description:
        header.description = reader.textField();
        break;
      case MetricField.unit:
        header.unit = reader.textField();
        break;
      case MetricField.gauge:
      case MetricField.sum:
      case MetricField.histogram:
      case MetricField.exponentialHistogram:
      case MetricField.summary:
        readData(reader, header, field);
        break;
      default:
        reader.skipField();
    }
  }
  return header;
}

/** Of several kinds of data the last one counts, as of all alternatives in the wire format. */
function readData(reader: WireReader, header: MetricHeader, kind: number): void {
  const outer = reader.enter();
  header.kind = kind;
  header.dataStart = reader.position;
  header.dataEnd = reader.end;
  header.temporality = Temporality.unspecified;
  header.isMonotonic = false;
  header.pointCount = 0;
  const hasTemporality = kind !== MetricField.gauge && kind !== MetricField.summary;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === DataField.points) {
      header.pointCount++;
      reader.skipField();
    } else if (field === DataField.temporality && hasTemporality) header.temporality = reader.uintField();
    else if (field === DataField.isMonotonic && kind === MetricField.sum) header.isMonotonic = reader.boolField();
    else reader.skipField();
  }
  reader.leave(outer);
}

/** Sums that may fall are not: what they were before is not known. */
export function isSummable({ kind, isMonotonic }: MetricHeader): boolean {
  return (
    kind === MetricField.histogram ||
    kind === MetricField.exponentialHistogram ||
    (kind === MetricField.sum && isMonotonic)
  );
}

/** What a metric is to its readers. Nothing is known of what counts since the last sample. */
export function typeOf({ kind, temporality, isMonotonic }: MetricHeader): MetricType {
  if (kind === MetricField.gauge) return "gauge";
  if (kind === MetricField.summary) return "summary";
  if (temporality === Temporality.delta) return "unknown";
  if (kind === MetricField.sum) return isMonotonic ? "counter" : "gauge";
  return "histogram";
}
