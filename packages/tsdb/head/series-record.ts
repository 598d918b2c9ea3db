// Series for the log, straight from the label lists in memory: no strings are made.
import type { ByteWriter } from "@narthex/encoding";
import { COLD_WORDS, type HeadMemory, NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import { Cold } from "./record.ts";
import { NameField, PairField } from "./symbols.ts";

const LENGTH_MASK = 0x7fff_ffff;

/** Longest varint of a length or a count. */
const VARINT_BYTES = 5;

/** Adds one series to a series record that was begun, under its own ref unless told. */
export function encodeSeriesFromMemory(memory: HeadMemory, record: number, into: ByteWriter, ref?: number): void {
  const { arena, cold, names, pairs, text } = memory;
  const base = record * COLD_WORDS;
  into.uint64(0, ref ?? cold[base + Cold.ref]);
  const list = cold[base + Cold.labels];
  const count = arena[list];
  into.uvarint(count);
  for (let i = 1; i <= count; i++) {
    const pair = arena[list + i] * PAIR_WORDS;
    const name = pairs[pair + PairField.name] * NAME_WORDS;
    const nameLength = names[name + NameField.length] & LENGTH_MASK;
    const valueLength = pairs[pair + PairField.length] & LENGTH_MASK;
    into.reserve(nameLength + valueLength + 2 * VARINT_BYTES);
    const { bytes } = into;
    let at = copyText(bytes, into.length, text, names[name + NameField.text] * 4, nameLength);
    at = copyText(bytes, at, text, pairs[pair + PairField.text] * 4, valueLength);
    into.length = at;
  }
}

/** Writes a text behind its length, for which there is room, and returns where it ends. */
function copyText(bytes: Uint8Array, at: number, text: Uint8Array, from: number, length: number): number {
  let rest = length;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  for (let i = 0; i < length; i++) bytes[at + i] = text[from + i];
  return at + length;
}
