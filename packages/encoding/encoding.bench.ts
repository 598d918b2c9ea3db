// What encoding costs: checksums, compression, varints, bits. Run: node packages/encoding/dist/encoding.bench.js
import { createRequire } from "node:module";
import { bench, do_not_optimize, group, run } from "mitata";
import {
  BitReader,
  BitWriter,
  ByteReader,
  ByteWriter,
  compress,
  compressInto,
  crc32c,
  maxCompressedLength,
  uncompress,
} from "./index.ts";

const snappyjs = createRequire(import.meta.url)("snappyjs") as {
  compress(b: Uint8Array): Uint8Array;
  uncompress(b: Uint8Array): Uint8Array;
};

/** Like a WAL record of 10,000 samples: refs one apart, one timestamp, values of a few digits: 112 KB. */
function walRecord(): Uint8Array {
  const writer = new ByteWriter();
  writer.uint8(2);
  writer.uint64(0, 1);
  writer.int64Number(1_700_000_000_000);
  for (let i = 0; i < 10_000; i++) {
    writer.varint(i);
    writer.varint(0);
    writer.float64(Math.round(Math.sin(i) * 1e5) / 100);
  }
  return writer.toBytes();
}

const record = walRecord();
const packed = compress(record);
const target = new Uint8Array(maxCompressedLength(record.length));
const room = new Uint8Array(record.length);
console.log(
  `record ${record.length} bytes, compressed ${packed.length}, by snappyjs ${snappyjs.compress(record).length}`,
);

group("a WAL record of 10,000 samples", () => {
  bench("encode", () => do_not_optimize(walRecord()));
  bench("crc32c of the compressed record", () => do_not_optimize(crc32c(packed)));
  bench("snappy compress", () => do_not_optimize(compressInto(record, target)));
  bench("snappyjs compress", () => do_not_optimize(snappyjs.compress(record)));
  bench("snappy uncompress", () => do_not_optimize(uncompress(packed, 1e6, room)));
  bench("snappyjs uncompress", () => do_not_optimize(snappyjs.uncompress(packed)));
});

const varints = new ByteWriter();
for (let i = 0; i < 10_000; i++) varints.uvarint(i * 37);
const reader = new ByteReader(varints.view());
const bitWriter = new BitWriter(1 << 20);
for (let i = 0; i < 10_000; i++) bitWriter.bits(i, 13);
const bitBytes = bitWriter.toBytes();
const bitReader = new BitReader(bitBytes);

group("10,000 numbers", () => {
  bench("read uvarints", () => {
    reader.reset(varints.bytes, 0, varints.length);
    let sum = 0;
    for (let i = 0; i < 10_000; i++) sum += reader.uvarint();
    return do_not_optimize(sum);
  });
  bench("write 13-bit fields", () => {
    bitWriter.clear();
    for (let i = 0; i < 10_000; i++) bitWriter.bits(i, 13);
  });
  bench("read 13-bit fields", () => {
    bitReader.reset(bitBytes);
    let sum = 0;
    for (let i = 0; i < 10_000; i++) sum += bitReader.bits(13);
    return do_not_optimize(sum);
  });
});

await run();
