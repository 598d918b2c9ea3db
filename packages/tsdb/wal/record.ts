// Records of the WAL and the out-of-order log: what stands inside the frames. Each kind has its file beside this one.
//
// Decoders fill typed arrays, with no object per sample; series come as byte ranges, so that the head can intern
// labels without making strings. All of them throw `RecordError` for bytes that are no such record, and never read
// outside of `[start, end)`. Source: tsdb/record/record.go of the reference (its varints are zig-zag).
import { EncodingError } from "@narthex/encoding";
import { RecordReader } from "./record-reader.ts";

/** A record's first byte. */
export const RecordType = {
  series: 1,
  samples: 2,
  tombstones: 3,
  exemplars: 4,
  mmapMarkers: 5,
  metadata: 6,
  histograms: 7,
  floatHistograms: 8,
  customBucketHistograms: 9,
  customBucketFloatHistograms: 10,
  samplesV2: 11,
  histogramsV2: 12,
  floatHistogramsV2: 13,
} as const;

/** Bytes that are no such record. */
export class RecordError extends Error {
  override readonly name = "RecordError";
  readonly code = "wal_record_invalid";
}

/** Runs a decoder; damage found by the cursor comes out as `RecordError`. */
export function decoding<T>(kind: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof EncodingError) throw new RecordError(`decode ${kind} record: ${error.message}`);
    throw error;
  }
}

/** A cursor after the type byte, or a `RecordError` for another type. */
export function recordBody(bytes: Uint8Array, start: number, end: number, type: number): RecordReader {
  if (start >= end || bytes[start] !== type) throw new RecordError(`invalid record type, expected ${type}`);
  return new RecordReader(bytes, start + 1, end);
}
