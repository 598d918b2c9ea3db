// Series for the log, straight from the label lists in memory: no strings are made.
import type { ByteWriter } from "@narthex/encoding";
import { COLD_WORDS, type HeadMemory, NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import { Cold } from "./record.ts";
import { NameField, PairField } from "./symbols.ts";

const LENGTH_MASK = 0x7fff_ffff;

/** Adds one series to a series record that was begun, under its own ref unless told. */
export function encodeSeriesFromMemory(memory: HeadMemory, record: number, into: ByteWriter, ref?: number): void {
  const { arena, cold, names, pairs, text } = memory;
  const base = record * COLD_WORDS;
  into.uint64(0, ref ?? cold[base + Cold.ref]);
  const list = cold[base + Cold.labels];
  const count = arena[list];
  into.uvarint(count);
  const copy = (address: number, length: number): void => {
    into.uvarint(length);
    into.reserve(length);
    const from = address * 4;
    for (let i = 0; i < length; i++) into.bytes[into.length + i] = text[from + i];
    into.length += length;
  };
  for (let i = 1; i <= count; i++) {
    const pair = arena[list + i] * PAIR_WORDS;
    const name = pairs[pair + PairField.name] * NAME_WORDS;
    copy(names[name + NameField.text], names[name + NameField.length] & LENGTH_MASK);
    copy(pairs[pair + PairField.text], pairs[pair + PairField.length] & LENGTH_MASK);
  }
}
