// What goes into a stretch as rows, and what as it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { Head } from "../head/head.ts";
import { AHEAD_REGION } from "../kernels/desk.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { encodeSamples, SampleRecord } from "../wal/sample-record.ts";
import type { WalReader } from "../wal/wal-reader.ts";
import { AheadWords, STRETCH_BYTES, STRETCHES } from "./ahead-words.ts";
import { ItemKind, ItemWord, itemAt, rowsOf, STRETCH_DATA_AT, StretchWord, stretchWords } from "./stretch.ts";
import { StretchWriter } from "./stretch-writer.ts";

const START = 1_700_000_000_000;

class Stretch {
  readonly kernels: Kernels;
  readonly bytes: Uint8Array;
  readonly writer: StretchWriter;

  constructor() {
    const { memory, kernels } = new Head({ chunkRangeMs: 7_200_000, memoryBytes: 2 ** 29 });
    this.kernels = kernels as Kernels;
    this.bytes = new AheadWords(memory).stretch(0);
    this.writer = new StretchWriter(this.bytes, this.kernels);
  }

  /** Puts a record that stands where kernels see it, or elsewhere; false when there is no room. */
  put(record: Uint8Array, isOwned = true): boolean {
    const bytes = isOwned ? this.kernels.input : record;
    if (isOwned) bytes.set(record);
    return this.writer.put({ bytes, start: 0, end: record.length, segment: 3, offset: 70 } as unknown as WalReader);
  }

  /** Each item as `record BYTES`, or as the refs and the times and values of its rows. */
  items(): string[] {
    this.writer.finish(4, 5);
    const words = stretchWords(this.bytes);
    return Array.from({ length: words[StretchWord.items] as number }, (_, item) => {
      if (words[itemAt(item) + ItemWord.kind] === ItemKind.record)
        return `record ${words[itemAt(item) + ItemWord.length]}`;
      const rows = rowsOf(words, item);
      const samples = new SampleRecord();
      for (let row = 0; row < rows.rows; row++) rows.read(row, 0, rows.columns, samples);
      const values = new Float64Array(samples.halves.buffer);
      const texts = Array.from(
        { length: samples.count },
        (_sample, i) => `${samples.refs[i]}@${(samples.times[i] as number) - START}=${values[i]}`,
      );
      return `rows ${texts.join(" ")}`;
    });
  }
}

/** A record of samples `[ref, time, value]`; times count from the start. */
function samples(...list: readonly (readonly [ref: number, time: number, value: number])[]): Uint8Array {
  const into = new ByteWriter(64);
  const halves = new Uint32Array(Float64Array.from(list, ([, , value]) => value).buffer);
  const refs = Float64Array.from(list, ([ref]) => ref);
  const times = Float64Array.from(list, ([, time]) => START + time);
  encodeSamples(into, refs, times, halves, 0, list.length);
  return into.bytes.slice(0, into.length);
}

test("stretch: all of them fit the region that is theirs", () => {
  const { bytes, kernels } = new Stretch();
  const end = bytes.byteOffset + STRETCHES * STRETCH_BYTES;
  assert.ok(bytes.byteOffset > kernels.output.byteOffset);
  assert.ok(end <= bytes.byteOffset + AHEAD_REGION.bytes - 256);
});

test("stretch: records of the same series are rows of one item, also with several times", () => {
  const stretch = new Stretch();
  stretch.put(samples([1, 0, 5], [2, 0, 6]));
  stretch.put(samples([1, 10, 7], [2, 11, 8]));
  stretch.put(samples([1, 20, 9], [2, 20, 9]));
  assert.deepEqual(stretch.items(), ["rows 1@0=5 2@0=6 1@10=7 2@11=8 1@20=9 2@20=9"]);
});

test("stretch: rows stay apart where a series would get its samples in another order", () => {
  const stretch = new Stretch();
  stretch.put(samples([1, 0, 1], [2, 0, 1]));
  stretch.put(samples([7, 0, 1]));
  stretch.put(samples([2, 1, 2]));
  stretch.put(samples([1, 2, 3], [2, 2, 3]));
  assert.deepEqual(stretch.items(), ["rows 1@0=1 2@0=1", "rows 7@0=1", "rows 2@1=2", "rows 1@2=3 2@2=3"]);
});

test("stretch: a series twice in a record, and a record of something else, let nothing pass", () => {
  const stretch = new Stretch();
  stretch.put(samples([1, 0, 1], [2, 0, 1]));
  stretch.put(samples([1, 1, 2], [1, 2, 3]));
  stretch.put(samples([1, 3, 4], [1, 4, 5]));
  stretch.put(Uint8Array.of(9, 1, 2));
  stretch.put(samples([1, 5, 6], [2, 5, 6]));
  assert.deepEqual(stretch.items(), [
    "rows 1@0=1 2@0=1",
    "rows 1@1=2 1@2=3",
    "rows 1@3=4 1@4=5",
    "record 3",
    "rows 1@5=6 2@5=6",
  ]);
});

test("stretch: a record that stands where kernels do not see it goes in as it is", () => {
  const stretch = new Stretch();
  const record = samples([1, 0, 1], [2, 0, 1]);
  stretch.put(record, false);
  assert.deepEqual(stretch.items(), [`record ${record.length}`]);
});

test("stretch: two records that name the same first ref but have no series in common", () => {
  const stretch = new Stretch();
  /** As `samples`, but the distances count from a ref that the record has no sample of. */
  const from5 = (record: Uint8Array): Uint8Array => {
    new DataView(record.buffer).setBigUint64(1, 5n);
    return record;
  };
  stretch.put(from5(samples([100, 0, 1], [101, 0, 1])));
  stretch.put(from5(samples([200, 0, 1], [195, 0, 1], [210, 0, 1])));
  stretch.put(samples([20, 0, 1]));
  // Distances of 0 and 1 from 5; of 0, -5 and 10.
  assert.deepEqual(stretch.items(), ["rows 5@0=1 6@0=1", "rows 5@0=1 0@0=1 15@0=1", "rows 20@0=1"]);
});

test("stretch: a short record with the first ref of many, and times of its own, leaves what stands behind alone", () => {
  const stretch = new Stretch();
  const column = (ref: number, count: number) => Array.from({ length: count }, (_, i) => [ref + i, 0, 1] as const);
  const room = (): number => STRETCH_BYTES - STRETCH_DATA_AT - stretch.writer.size;
  let ref = 1_000_000;
  const fillTo = (bytes: number): void => {
    for (; room() > bytes; ref += 1000) assert.ok(stretch.put(samples(...column(ref, 1000))));
  };
  fillTo(1_400_000);
  assert.ok(stretch.put(samples(...column(1, 50_000))));
  fillTo(100_000);
  const behind = new Uint8Array(stretch.bytes.buffer, stretch.bytes.byteOffset + STRETCH_BYTES, 2 ** 20).fill(7);
  assert.ok(stretch.put(samples([1, 0, 1], ...column(2, 99).map(([r], i) => [r, i + 1, 1] as const))));
  assert.ok(behind.every((byte) => byte === 7));
});
