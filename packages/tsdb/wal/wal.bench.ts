// Costs of logging: `node packages/tsdb/dist/wal/wal.bench.js`. Nanoseconds per sample, best of several runs.
import { ByteWriter, crc32c } from "@narthex/encoding";
import { MemoryFs } from "../fs/memory-fs.ts";
import { canWriteZstd } from "./compression.ts";
import type { Compression } from "./format.ts";
import { decodeSamples, encodeSamples, SampleRecord } from "./sample-record.ts";
import { WalReader } from "./wal-reader.ts";
import { WalWriter } from "./wal-writer.ts";

/** What the design measured on Node 20 for a record of 10,000 samples; the CRC is that of the compressed record. */
const DESIGN_ENCODE_NS = 5.3;
const DESIGN_CRC_NS = 6;
const COUNT = 10_000;
const refs = Uint32Array.from({ length: COUNT }, (_, i) => i + 1);
const times = new Float64Array(COUNT).fill(1_700_000_000_000);
const values = Float64Array.from({ length: COUNT }, (_, i) => (i % 3 === 0 ? i : i / 7));
const halves = new Uint32Array(values.buffer);
const record = new ByteWriter(200_000);
const into = new SampleRecord();

function best(name: string, work: () => void, perRun = COUNT): void {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 60; run++) {
    const began = performance.now();
    work();
    least = Math.min(least, performance.now() - began);
  }
  console.log(`${name.padEnd(44)} ${((least * 1e6) / perRun).toFixed(1).padStart(8)} ns/sample`);
}

console.log(`the design: encode ${DESIGN_ENCODE_NS}, CRC-32C of the compressed record ${DESIGN_CRC_NS} ns/sample`);
best("encode a samples record", () => {
  record.clear();
  encodeSamples(record, refs, times, halves, 0, COUNT);
});
console.log(`${"  its size".padEnd(44)} ${(record.length / COUNT).toFixed(2).padStart(8)} bytes/sample`);
best("CRC-32C of it", () => crc32c(record.bytes, 0, record.length));
best("decode it", () => decodeSamples(record.bytes, 0, record.length, into));
const kinds: Compression[] = canWriteZstd() ? ["none", "snappy", "zstd"] : ["none", "snappy"];
for (const compression of kinds) {
  const fs = new MemoryFs();
  const writer = WalWriter.open(fs, "wal", { compression });
  best(`log and flush it, ${compression}`, () => {
    writer.log(record.bytes, record.length);
    writer.flush();
  });
  writer.close();
  console.log(
    `${"  bytes written".padEnd(44)} ${(fs.size("wal/00000000") / 60 / COUNT).toFixed(2).padStart(8)} bytes/sample`,
  );
  best(
    `read and decode 60 of them, ${compression}`,
    () => {
      const reader = new WalReader(fs, "wal");
      while (reader.next()) decodeSamples(reader.bytes, reader.start, reader.end, into);
    },
    60 * COUNT,
  );
}
