// Records of series (type 1) to series of the head, while a replay puts their postings off: what head/replay.ts does by way of
// head/label-interner.ts, head/symbol-writer.ts and head/series-table.ts, for a run of series in one call. Memory layouts and hashes
// are theirs. What is not usual is left to them, one series at a time.

import { ARENA, CONTROL, DECODED_TO, IDS, NAMES, PAGE_COUNT, PAGES, PAIRS, RECORDS } from "./context";
import { MAX_REF } from "./samples";
import { addToHash, beginHash, createSeries, findSeries, finishHash, hasRoom, MAX_LABELS } from "./series";
import { internLabel } from "./symbols";

/**
 * Makes series of what stands in `[at, end)`, up to `limit`: notes their records in the context's array, and the position it reached.
 * Returns how many; what is not for it ends the run without being consumed: labels that are empty, many, of unknown names or of new
 * text that is not ASCII, a set of them that is known, refs that are none or taken, a table or region that is full, damage.
 */
export function makeSeries(context: usize, at: usize, end: usize, limit: u32, epoch: u32): u32 {
  const control = <usize>load<u32>(context, CONTROL);
  const arena = <usize>load<u32>(context, ARENA);
  const names = <usize>load<u32>(context, NAMES);
  const pairs = <usize>load<u32>(context, PAIRS);
  const pages = <usize>load<u32>(context, PAGES);
  const pageCount = load<u32>(context, PAGE_COUNT);
  const records = <usize>load<u32>(context, RECORDS);
  const ids = <usize>load<u32>(context, IDS);
  /** Ids of the series before, as far as this one has not come. */
  let before: u32 = 0;
  let made: u32 = 0;
  let position = at;
  while (made < limit && end - position >= 10) {
    let p = position;
    const ref = bswap(load<u64>(p));
    const count = <u32>load<u8>(p, 8);
    p += 9;
    const page = <u32>(ref >>> 7);
    if (ref === 0 || ref > MAX_REF || page >= pageCount || count === 0 || count > MAX_LABELS) break;
    const pageAt = pages + ((<usize>page) << 2);
    // An absent page is page 0, whose words are all 0.
    if (load<u32>(arena + ((<usize>load<u32>(pageAt) + (<usize>ref & 127)) << 2)) !== 0) break;
    if (!hasRoom(context, count, <u64>(end - position), count, 0)) break;

    let i: u32 = 0;
    let hash = beginHash(count);
    for (; i < count; i++) {
      if (p >= end) break;
      let length = <u32>load<u8>(p++);
      if (length >= 0x80) {
        if (p >= end || load<u8>(p) >= 0x80) break;
        length = (length & 0x7f) | ((<u32>load<u8>(p++)) << 7);
      }
      const name = p;
      const nameEnd = name + <usize>length;
      if (nameEnd >= end) break;
      p = nameEnd;
      length = <u32>load<u8>(p++);
      if (length >= 0x80) {
        if (p >= end || load<u8>(p) >= 0x80) break;
        length = (length & 0x7f) | ((<u32>load<u8>(p++)) << 7);
      }
      const value = p;
      const valueEnd = value + <usize>length;
      if (valueEnd > end || length === 0) break;
      p = valueEnd;
      const place = ids + ((<usize>i) << 2);
      const like = i < before ? load<u32>(place) : 0;
      const id = internLabel(context, control, arena, names, pairs, like, name, nameEnd, value, valueEnd);
      if (id === 0) break;
      store<u32>(place, id);
      hash = addToHash(hash, id);
    }
    if (i < count) break;
    before = max(before, count);
    hash = finishHash(hash);
    if (findSeries(context, ids, count, hash) !== 0) break;
    const record = createSeries(context, ids, count, hash, <u32>ref, epoch);
    store<u32>(records + ((<usize>made) << 2), record);
    made++;
    position = p;
  }
  store<u32>(context, <u32>position, DECODED_TO);
  return made;
}
