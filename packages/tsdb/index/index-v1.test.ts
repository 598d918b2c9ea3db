import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, crc32c } from "@narthex/encoding";
import { Matcher } from "@narthex/model";
import { MemoryFs } from "../fs/memory-fs.ts";
import { IndexReader } from "./index-reader.ts";

/** An index as writers before 2018 made it: symbols by offset, series unaligned, postings table unsorted. */
function indexOfVersion1(series: readonly Record<string, string>[]): Uint8Array {
  const file = new ByteWriter();
  file.uint32(0xbaaad700);
  file.uint8(1);
  const section = (content: ByteWriter): void => {
    file.uint32(content.length);
    file.raw(content.view());
    file.uint32(crc32c(content.bytes, 0, content.length));
  };
  const symbolsAt = file.length;
  const offsets = new Map<string, number>();
  const symbols = new ByteWriter();
  const texts = [...new Set(series.flatMap((labels) => Object.entries(labels).flat()))].sort();
  symbols.uint32(texts.length);
  for (const text of texts) {
    offsets.set(text, symbolsAt + 4 + symbols.length);
    symbols.uvarintText(text);
  }
  section(symbols);
  const seriesAt = file.length;
  const ids: number[] = [];
  series.forEach((labels, i) => {
    ids.push(file.length);
    const entry = new ByteWriter();
    entry.uvarint(Object.keys(labels).length);
    for (const text of Object.entries(labels).flat()) entry.uvarint(offsets.get(text)!);
    entry.uvarint(1);
    entry.varint(i * 100);
    entry.uvarint(50);
    entry.uvarint(8 + i);
    file.uvarint(entry.length);
    file.raw(entry.view());
    file.uint32(crc32c(entry.bytes, 0, entry.length));
  });
  const postingsAt = file.length;
  const lists: [string, string, number][] = [];
  const list = (name: string, value: string, found: readonly number[]): void => {
    lists.push([name, value, file.length]);
    const content = new ByteWriter();
    content.uint32(found.length);
    for (const id of found) content.uint32(id);
    section(content);
  };
  list("", "", ids);
  for (const [name, value] of new Map(
    series.flatMap((labels) => Object.entries(labels)).map((pair) => [pair.join(), pair]),
  ).values()) {
    list(
      name!,
      value!,
      ids.filter((_, i) => series[i]![name!] === value),
    );
  }
  const table = new ByteWriter();
  table.uint32(lists.length);
  for (const [name, value, at] of lists.reverse()) {
    table.uint8(2);
    table.uvarintText(name);
    table.uvarintText(value);
    table.uvarint(at);
  }
  const tableAt = file.length;
  section(table);
  const contents = new ByteWriter();
  for (const offset of [symbolsAt, seriesAt, 0, 0, postingsAt, tableAt]) contents.int64Number(offset);
  contents.uint32(crc32c(contents.bytes, 0, contents.length));
  file.raw(contents.view());
  return file.toBytes();
}

test("an index of version 1 is read: symbols by offset, series by offset, an unsorted table", () => {
  const fs = new MemoryFs();
  const series = Array.from({ length: 90 }, (_, i) => ({ a: `v${String(i).padStart(3, "0")}`, b: `w${i % 3}` }));
  fs.put("index", indexOfVersion1(series));
  const index = IndexReader.open(fs, "index");
  assert.equal(index.version, 1);
  const labels = (...matchers: Matcher[]): object[] =>
    Array.from(index.select(matchers), (id) => index.labels(id).toObject());
  assert.deepEqual(labels(), series);
  assert.deepEqual(labels(new Matcher("=", "a", "v042")), [{ a: "v042", b: "w0" }]);
  assert.equal(labels(new Matcher("=~", "a", "v00."), new Matcher("!=", "b", "w1")).length, 7);
  assert.deepEqual(index.labelNames(), ["a", "b"]);
  assert.deepEqual(index.labelValues("b"), ["w0", "w1", "w2"]);
  assert.equal(index.labelValues("a")[89], "v089");
  const [id] = index.select([new Matcher("=", "a", "v005")]);
  const { chunkCount, minTimes, maxTimes, refs } = index.series(id!);
  assert.deepEqual([chunkCount, minTimes[0], maxTimes[0], refs[0]], [1, 500, 550, 13]);
  index.close();
});
