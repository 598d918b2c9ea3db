// Records of samples (type 2) to arrays, and refs to series records. Source of the format: wal/sample-record.ts.
import { ARENA, DECODED_TO, PAGE_COUNT, PAGES, RECORDS, TIMES, VALUES } from "./context";
import { unzigzag, varintOf, varintSize } from "./varint";

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
    let word = load<u64>(p);
    let size = varintSize(word);
    if (size > 8) break;
    p += <usize>size;
    const ref = firstRef + unzigzag(varintOf(word, size));
    word = load<u64>(p);
    size = varintSize(word);
    p += <usize>size;
    if (size > 8 || p + 8 > end || ref > MAX_REF) break;
    const time = <i64>unzigzag(varintOf(word, size));
    const page = <u32>(ref >>> 7);
    if (page >= pageCount) break;
    const number = load<u32>(arena + ((<usize>load<u32>(pages + ((<usize>page) << 2)) + (<usize>ref & 127)) << 2));
    if (number === 0) break;
    store<u32>(records + ((<usize>count) << 2), number);
    store<f64>(times + ((<usize>count) << 3), baseTime + <f64>time);
    store<u64>(values + ((<usize>count) << 3), bswap(load<u64>(p)));
    position = p + 8;
    count++;
  }
  store<u32>(context, <u32>position, DECODED_TO);
  return count;
}
