// Series to a record of series for the log: what head/series-record.ts does.
import { COLD_SHIFT } from "./append";
import { ARENA, COLD, NAMES, PAIRS, RECORDS } from "./context";
import { COLD_LABELS, COLD_REF } from "./series";
import { NAME_LENGTH, NAME_TEXT, PAIR_LENGTH, PAIR_NAME, PAIR_TEXT, SYMBOL_SHIFT, TEXT_LENGTH_MASK } from "./symbols";

/** Around a text: its length, and as much as copying may write beyond it. */
const AROUND: usize = 5 + 8;

function putVarint(at: usize, value: u32): usize {
  let rest = value;
  while (rest >= 0x80) {
    store<u8>(at++, rest | 0x80);
    rest >>>= 7;
  }
  store<u8>(at, rest);
  return at + 1;
}

/**
 * Writes the text at an address of the arena (in words) behind its length. Eight bytes at a time: blocks of the arena are multiples of
 * 16 bytes, and the caller left room.
 */
function putText(at: usize, arena: usize, address: u32, length: u32): usize {
  const from = arena + ((<usize>address) << 2);
  const to = putVarint(at, length);
  for (let i: usize = 0; i < <usize>length; i += 8) store<u64>(to + i, load<u64>(from + i));
  return to + <usize>length;
}

/** Encodes the series of the first `count` records of the context's array into `[at, end)`; returns where they end, 0 without room. */
export function encodeSeries(context: usize, count: u32, at: usize, end: usize): usize {
  const arena = <usize>load<u32>(context, ARENA);
  const cold = <usize>load<u32>(context, COLD);
  const names = <usize>load<u32>(context, NAMES);
  const pairs = <usize>load<u32>(context, PAIRS);
  const records = <usize>load<u32>(context, RECORDS);
  let p = at;
  for (let i: usize = 0; i < <usize>count; i++) {
    const record = cold + ((<usize>load<u32>(records + (i << 2))) << COLD_SHIFT);
    let label = arena + ((<usize>load<u32>(record, COLD_LABELS)) << 2);
    const labels = load<u32>(label);
    if (p + 8 + AROUND > end) return 0;
    store<u64>(p, bswap(<u64>load<u32>(record, COLD_REF)));
    p = putVarint(p + 8, labels);
    const last = label + ((<usize>labels) << 2);
    while (label < last) {
      label += 4;
      const pair = pairs + ((<usize>load<u32>(label)) << SYMBOL_SHIFT);
      const name = names + ((<usize>load<u32>(pair, PAIR_NAME)) << SYMBOL_SHIFT);
      const nameLength = load<u32>(name, NAME_LENGTH) & TEXT_LENGTH_MASK;
      const valueLength = load<u32>(pair, PAIR_LENGTH) & TEXT_LENGTH_MASK;
      if (p + <usize>nameLength + <usize>valueLength + 2 * AROUND > end) return 0;
      p = putText(p, arena, load<u32>(name, NAME_TEXT), nameLength);
      p = putText(p, arena, load<u32>(pair, PAIR_TEXT), valueLength);
    }
  }
  return p;
}
