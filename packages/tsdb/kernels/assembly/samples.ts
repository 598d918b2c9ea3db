// Records of samples (type 2) to arrays, and refs to series records. Source of the format: wal/record.ts.
import { ARENA, DECODED_TO, PAGE_COUNT, PAGES, RECORDS, TIMES, VALUES } from "./context";

/** Refs above this are not in the table (head/replay.ts). */
export const MAX_REF: u64 = 0xf0000000;

/**
 * Decodes up to `limit` samples of the record `[at, end)`, whose refs and times are distances from `baseRef` and `baseTime`:
 * into the context's arrays, and notes the position it reached. Returns the count; what cannot be decoded here
 * (numbers of more than eight bytes, a ref that names no series, a torn sample) ends the run without being consumed: the slow
 * decoder says what it is.
 */
export function decodeSamples(context: usize, at: usize, end: usize, baseRef: f64, baseTime: f64, limit: u32): u32 {
  const pages = <usize>load<u32>(context, PAGES);
  const pageCount = load<u32>(context, PAGE_COUNT);
  const arena = <usize>load<u32>(context, ARENA);
  const records = <usize>load<u32>(context, RECORDS);
  const times = <usize>load<u32>(context, TIMES);
  const values = <usize>load<u32>(context, VALUES);
  const firstRef = <u64>baseRef;
  let count: u32 = 0;
  let position = at;
  while (count < limit && position < end) {
    let p = position;
    let byte = <u64>load<u8>(p++);
    let delta = byte & 0x7f;
    let shift: u64 = 7;
    while (byte >= 0x80 && p < end && shift < 56) {
      byte = <u64>load<u8>(p++);
      delta |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte >= 0x80 || p >= end) break;
    const ref = firstRef + ((delta >>> 1) ^ (0 - (delta & 1)));
    byte = <u64>load<u8>(p++);
    delta = byte & 0x7f;
    shift = 7;
    while (byte >= 0x80 && p < end && shift < 56) {
      byte = <u64>load<u8>(p++);
      delta |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte >= 0x80 || end - p < 8 || ref > MAX_REF) break;
    const page = <u32>(ref >>> 7);
    if (page >= pageCount) break;
    const number = load<u32>(arena + ((<usize>load<u32>(pages + ((<usize>page) << 2)) + (<usize>ref & 127)) << 2));
    if (number === 0) break;
    store<u32>(records + ((<usize>count) << 2), number);
    store<f64>(times + ((<usize>count) << 3), baseTime + <f64>(<i64>((delta >>> 1) ^ (0 - (delta & 1)))));
    store<u64>(values + ((<usize>count) << 3), bswap(load<u64>(p)));
    position = p + 8;
    count++;
  }
  store<u32>(context, <u32>position, DECODED_TO);
  return count;
}
