import assert from "node:assert/strict";
import { test } from "node:test";
import { WireWriter } from "@narthex/encoding";
import { Relabeler } from "../../relabel/index.ts";
import { decodeProto } from "../proto-fixture.ts";
import { encodeV1 } from "./encode-v1.ts";
import { EncoderV2 } from "./encode-v2.ts";
import { OutgoingBatch } from "./outgoing-batch.ts";
import { LabelProcessor } from "./series-labels.ts";
import type { SeriesTable } from "./series-table.ts";
import { addSeries, seriesTable, writeConfig } from "./testing.ts";

/** The labels of one series as a receiver reads them. */
function labelsOf(table: SeriesTable, form: "labels" | "symbols", ref: number): Record<string, string> {
  const batch = new OutgoingBatch(1);
  batch.addFloat(table.slotOf(ref), 1, 0, 0, 0);
  return labelsOfBatch(table, form, batch);
}

function labelsOfBatch(table: SeriesTable, form: "labels" | "symbols", batch: OutgoingBatch): Record<string, string> {
  const writer = new WireWriter();
  if (form === "labels") {
    encodeV1(batch, table, writer);
    const { timeseries } = decodeProto<{ timeseries: { labels: { name: string; value: string }[] }[] }>(
      "WriteRequest",
      writer.toBytes(),
    );
    return Object.fromEntries((timeseries[0]?.labels ?? []).map(({ name, value }) => [name, value]));
  }
  new EncoderV2(table).encode(batch, writer);
  const { symbols, timeseries } = decodeProto<{ symbols: string[]; timeseries: { labels_refs: number[] }[] }>(
    "RequestV2",
    writer.toBytes(),
  );
  const texts = (timeseries[0]?.labels_refs ?? []).map((ref) => symbols[ref] as string);
  return Object.fromEntries(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] as string]] : [])));
}

for (const form of ["labels", "symbols"] as const) {
  test(`series table (${form}): external labels come where a series has none of the name, wherever they sort`, () => {
    const processor = new LabelProcessor(["a", "x", "m", "y", "zz", "z"], new Relabeler([]));
    const table = seriesTable(form, { 1: { __name__: "up", m: "own", n: "1" }, 2: { __name__: "up" } }, processor);
    assert.deepEqual(Object.entries(labelsOf(table, form, 1)), [
      ["__name__", "up"],
      ["a", "x"],
      ["m", "own"],
      ["n", "1"],
      ["zz", "z"],
    ]);
    assert.deepEqual(labelsOf(table, form, 2), { __name__: "up", a: "x", m: "y", zz: "z" });
  });

  test(`series table (${form}): relabeling sees external labels, and may drop a series`, () => {
    const { writeRelabelConfigs } = writeConfig(
      "http://h/",
      `write_relabel_configs:
  - {source_labels: [dc], regex: here, target_label: place, replacement: near}
  - {source_labels: [__name__], regex: secret_.*, action: drop}
  - {regex: dc, action: labeldrop}`,
    );
    const processor = new LabelProcessor(["dc", "here"], new Relabeler(writeRelabelConfigs));
    const table = seriesTable(form, { 1: { __name__: "up" }, 2: { __name__: "secret_x" } }, processor);
    assert.deepEqual(labelsOf(table, form, 1), { __name__: "up", place: "near" });
    assert.ok(table.isDropped(table.slotOf(2)));
    assert.equal(table.slotOf(3), 0);
  });

  test(`series table (${form}): a ref that is named anew gets its new labels; batches keep the old ones until released`, () => {
    const table = seriesTable(form, { 5: { __name__: "old" } });
    const batch = new OutgoingBatch(1);
    batch.addFloat(table.slotOf(5), 1, 0, 0, 0);
    addSeries(table, { 5: { __name__: "old" } }, 1);
    assert.ok(!table.isLeaving);
    addSeries(table, { 5: { __name__: "new" } }, 2);
    assert.ok(table.isLeaving);
    const leaving = table.takeLeaving();
    assert.deepEqual(labelsOf(table, form, 5), { __name__: "new" });
    assert.deepEqual(labelsOfBatch(table, form, batch), { __name__: "old" });
    table.release(leaving);
  });
}

test("series table: what no segment names any more is forgotten, what a checkpoint names stays", () => {
  const table = seriesTable("labels", { 1: { __name__: "a" }, 2: { __name__: "b" }, 3: { __name__: "c" } });
  addSeries(table, { 4: { __name__: "d" } }, 7);
  table.touch(2, 5);
  table.touch(99, 5);
  assert.equal(table.forgetBefore(5), 2);
  assert.deepEqual(
    [1, 2, 3, 4].map((ref) => table.slotOf(ref) > 0),
    [false, true, false, true],
  );
  table.release(table.takeLeaving());
  assert.equal(table.size, 2);
});

test("series table: texts that nobody uses are forgotten, and memory of what went is used again", () => {
  for (const form of ["labels", "symbols"] as const) {
    const table = seriesTable(form, {});
    let bytes = 0;
    for (let round = 0; round < 12; round++) {
      const series = Array.from({ length: 3000 }, (_, i) => [
        round * 3000 + i + 1,
        { __name__: `metric_${i % 50}`, instance: `round ${round}`, path: `/some/longer/path/${round}/${i}`.repeat(3) },
      ]);
      addSeries(table, Object.fromEntries(series), round);
      // Some series of each round stay for ever.
      for (let i = 0; i < 3000; i += 300) table.touch(round * 3000 + i + 1, 1000);
      table.forgetBefore(round);
      table.release(table.takeLeaving());
      if (round === 3) bytes = table.arena.bytes;
    }
    assert.ok(table.arena.bytes <= bytes * 1.5, `${form}: ${table.arena.bytes} bytes after ${bytes}`);
    assert.ok(table.pool.texts.length < 3000 * 2 + 500, `${table.pool.texts.length} texts`);
    assert.deepEqual(labelsOf(table, form, 301), {
      __name__: "metric_0",
      instance: "round 0",
      path: "/some/longer/path/0/300".repeat(3),
    });
  }
});

test("series table: type and unit from labels, help from the log", () => {
  const table = seriesTable("symbols", {});
  const told = seriesTable("symbols", { 1: { __name__: "m" } });
  told.setMetadata(1, { type: "gauge", help: "h", unit: "s" });
  told.setMetadata(1, { type: "counter", help: "other", unit: "" });
  const slot = told.slotOf(1);
  assert.deepEqual([told.types[slot], told.pool.texts[told.helps[slot] as number], told.units[slot]], [1, "other", 0]);
  table.setMetadata(77, { type: "gauge", help: "h", unit: "s" });
});
