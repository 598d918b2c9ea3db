// Labels of series as they are sent: external labels added, relabeled, encoded once.

import type { WireWriter } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import type { SeriesRecordCursor } from "@narthex/tsdb";
import type { Relabeler } from "../../relabel/index.ts";
import { withExternalLabels } from "../external-labels.ts";
import { writeLabels } from "../label-wire.ts";
import { LabelField, TimeSeriesField } from "../wire.ts";

const encoder = new TextEncoder();

/** One external label, as bytes. */
interface ExternalLabel {
  readonly name: Uint8Array;
  readonly value: Uint8Array;
}

/** Turns the labels of log records into those that leave. */
export class LabelProcessor {
  readonly #external: readonly string[];
  readonly #externalBytes: readonly ExternalLabel[];
  readonly #relabeler: Relabeler;

  /** `external`: sorted name, value pairs. */
  constructor(external: readonly string[], relabeler: Relabeler) {
    this.#external = external;
    this.#relabeler = relabeler;
    const bytes: ExternalLabel[] = [];
    for (let i = 0; i < external.length; i += 2) {
      bytes.push({ name: encoder.encode(external[i]), value: encoder.encode(external[i + 1]) });
    }
    this.#externalBytes = bytes;
  }

  /** The labels of the cursor's series; undefined when relabeling drops it. */
  labels(cursor: SeriesRecordCursor): Labels | undefined {
    const own = cursor.labels();
    const pairs = withExternalLabels(own.pairs, this.#external);
    return this.#relabeler.apply(pairs === own.pairs ? own : new Labels(pairs));
  }

  /** Writes them as label messages of version 1.0; false when relabeling drops the series. No string is made without relabeling. */
  write(cursor: SeriesRecordCursor, writer: WireWriter): boolean {
    if (!this.#relabeler.isEmpty) {
      const labels = this.labels(cursor);
      if (labels === undefined) return false;
      writeLabels(writer, TimeSeriesField.labels, labels.pairs);
      return true;
    }
    const external = this.#externalBytes;
    const { bytes } = cursor;
    let next = 0;
    while (cursor.nextLabel()) {
      const { nameStart, nameEnd, valueStart, valueEnd } = cursor;
      let order = -1;
      for (; next < external.length; next++) {
        const label = external[next] as ExternalLabel;
        order = compareBytes(label.name, 0, label.name.length, bytes, nameStart, nameEnd);
        if (order >= 0) break;
        writeLabel(writer, label.name, 0, label.name.length, label.value, 0, label.value.length);
      }
      if (next < external.length && order === 0) next++;
      writeLabel(writer, bytes, nameStart, nameEnd, bytes, valueStart, valueEnd);
    }
    for (; next < external.length; next++) {
      const { name, value } = external[next] as ExternalLabel;
      writeLabel(writer, name, 0, name.length, value, 0, value.length);
    }
    return true;
  }
}

function writeLabel(
  writer: WireWriter,
  name: Uint8Array,
  nameStart: number,
  nameEnd: number,
  value: Uint8Array,
  valueStart: number,
  valueEnd: number,
): void {
  const label = writer.begin(TimeSeriesField.labels);
  writer.bytesField(LabelField.name, name.subarray(nameStart, nameEnd));
  writer.bytesField(LabelField.value, value.subarray(valueStart, valueEnd));
  writer.end(label);
}

function compareBytes(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const shared = Math.min(aEnd - aStart, bEnd - bStart);
  for (let i = 0; i < shared; i++) {
    const difference = (a[aStart + i] as number) - (b[bStart + i] as number);
    if (difference !== 0) return difference;
  }
  return aEnd - aStart - (bEnd - bStart);
}
