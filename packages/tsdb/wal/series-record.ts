// Records of series (type 1); see record.ts.
import { type ByteWriter, decodeText } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import { decoding, RecordError, RecordType, recordBody } from "./record.ts";
import type { RecordReader } from "./record-reader.ts";

/**
 * Walks over a series record: `while (cursor.next()) { cursor.ref; while (cursor.nextLabel()) ... }`.
 * Names and values are byte ranges of the record (UTF-8). Labels that the caller leaves unread are skipped.
 */
export class SeriesRecordCursor {
  ref = 0;
  /** How many labels the current series has. */
  labelCount = 0;
  /** Where the current series' labels begin: their encoded form, as `labels` in the record. */
  labelsStart = 0;
  /** The current label. */
  nameStart = 0;
  nameEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  readonly bytes: Uint8Array;
  readonly #reader: RecordReader;
  #unread = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.bytes = bytes;
    this.#reader = recordBody(bytes, start, end, RecordType.series);
  }

  /** Goes on at `at`, where a series begins. */
  goTo(at: number): void {
    this.#unread = 0;
    this.#reader.position = at;
  }

  next(): boolean {
    while (this.#unread > 0) this.nextLabel();
    const reader = this.#reader;
    if (reader.position >= reader.end) return false;
    return decoding("series", () => {
      this.ref = reader.uint64Number();
      this.labelsStart = reader.position;
      this.labelCount = reader.uvarint();
      // Each label takes two bytes at least, so that a count beyond that is a lie; the bytes run out before it does.
      this.#unread = this.labelCount;
      return true;
    });
  }

  nextLabel(): boolean {
    if (this.#unread === 0) return false;
    this.#unread--;
    const reader = this.#reader;
    try {
      const nameBytes = reader.uvarint();
      this.nameStart = reader.position;
      reader.skip(nameBytes);
      this.nameEnd = reader.position;
      const valueBytes = reader.uvarint();
      this.valueStart = reader.position;
      reader.skip(valueBytes);
      this.valueEnd = reader.position;
    } catch (error) {
      this.#unread = 0;
      throw new RecordError(`decode series record: ${(error as Error).message}`);
    }
    return true;
  }

  /** All labels of the current series at once; call it instead of `nextLabel`. */
  labels(): Labels {
    const pairs: string[] = [];
    const { bytes } = this;
    while (this.nextLabel()) {
      pairs.push(decodeText(bytes, this.nameStart, this.nameEnd), decodeText(bytes, this.valueStart, this.valueEnd));
    }
    return new Labels(pairs);
  }

  /** Position behind what was read: after all labels, the end of the current series. */
  get at(): number {
    return this.#reader.position;
  }
}

/** Begins a series record; follow it with `encodeSeries` for each series. */
export function beginSeries(into: ByteWriter): void {
  into.uint8(RecordType.series);
}

/** Adds one series to a series record. */
export function encodeSeries(into: ByteWriter, ref: number, labels: Labels): void {
  into.int64Number(ref);
  encodeLabels(into, labels);
}

/** Adds the labels of a series or an exemplar. */
export function encodeLabels(into: ByteWriter, labels: Labels): void {
  into.uvarint(labels.size);
  for (const part of labels.pairs) into.uvarintText(part);
}

export function decodeLabels(reader: RecordReader): Labels {
  const pairs: string[] = [];
  for (let count = reader.uvarint(); count > 0; count--) pairs.push(reader.uvarintText(), reader.uvarintText());
  return new Labels(pairs);
}
