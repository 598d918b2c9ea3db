// Integers of few bits: how histogram chunks store what is mostly zero or small.
import type { BitReader, BitWriter } from "@narthex/encoding";

const TWO_32 = 0x1_0000_0000;
/** Value bits behind a prefix of so many ones (and a zero, except for the last). */
export const VARBIT_WIDTHS: readonly number[] = [0, 3, 6, 9, 12, 18, 25, 56, 64];

function prefixOnes(reader: BitReader): number {
  let ones = 0;
  while (ones < 8 && reader.bit() === 1) ones++;
  return ones;
}

/** A signed number; exact within 2^53. */
export function readVarbitInt(reader: BitReader): number {
  const width = VARBIT_WIDTHS[prefixOnes(reader)] as number;
  if (width <= 25) {
    if (width === 0) return 0;
    const value = reader.bits(width);
    // The range is shifted by one: the highest positive number takes the place of the lowest negative one.
    return value > 2 ** (width - 1) ? value - 2 ** width : value;
  }
  reader.bits64(width);
  if (width === 64) return (reader.high | 0) * TWO_32 + reader.low;
  const value = reader.high * TWO_32 + reader.low;
  return value > 2 ** 55 ? (reader.high - 0x1000000) * TWO_32 + reader.low : value;
}

/** An unsigned number; exact below 2^53. */
export function readVarbitUint(reader: BitReader): number {
  const width = VARBIT_WIDTHS[prefixOnes(reader)] as number;
  if (width === 0) return 0;
  if (width <= 32) return reader.bits(width);
  reader.bits64(width);
  return reader.high * TWO_32 + reader.low;
}

/** Writes a whole number within 2^53. */
export function writeVarbitInt(into: BitWriter, value: number): void {
  if (value === 0) {
    into.bits(0, 1);
    return;
  }
  for (let ones = 1; ones < 7; ones++) {
    const width = VARBIT_WIDTHS[ones] as number;
    const half = 2 ** (width - 1);
    if (value < -(half - 1) || value > half) continue;
    writePrefix(into, ones);
    into.bits(value, width);
    return;
  }
  const wide = value >= -(2 ** 55 - 1) && value <= 2 ** 55;
  writePrefix(into, wide ? 7 : 8);
  into.bits64(Math.floor(value / TWO_32) >>> 0, value >>> 0, wide ? 56 : 64);
}

/** Writes a whole number from 0 to 2^53. */
export function writeVarbitUint(into: BitWriter, value: number): void {
  if (value === 0) {
    into.bits(0, 1);
    return;
  }
  for (let ones = 1; ones < 7; ones++) {
    const width = VARBIT_WIDTHS[ones] as number;
    if (value >= 2 ** width) continue;
    writePrefix(into, ones);
    into.bits(value, width);
    return;
  }
  writePrefix(into, value < 2 ** 56 ? 7 : 8);
  into.bits64(Math.floor(value / TWO_32) >>> 0, value >>> 0, value < 2 ** 56 ? 56 : 64);
}

function writePrefix(into: BitWriter, ones: number): void {
  if (ones === 8) into.bits(0xff, 8);
  else into.bits((1 << (ones + 1)) - 2, ones + 1);
}
