// Numbers as the API writes them, straight into bytes.
import { formatFloat } from "@narthex/model";
import type { ByteSink } from "./byte-sink.ts";

/** The longest text of a number: sign, 17 digits, point, exponent, or plain decimals of up to 21 digits. */
export const NUMBER_BYTES = 32;

const ZERO = 48;
const MINUS = 45;
const POINT = 46;

/** Writes `value` at `at` (room for `NUMBER_BYTES` is there) and returns the position behind it. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  // Most samples are whole or have two or three decimals: those need no shortest-digits search.
  if (value > -1e15 && value < 1e15) {
    const whole = Math.trunc(value);
    if (whole === value && (value !== 0 || !Object.is(value, -0))) return writeInteger(bytes, at, value);
    if (value > -1e9 && value < 1e9) {
      // Fewer than 16 digits name one double only, so a decimal that gives this value back is its shortest.
      const hundredths = Math.round(value * 100);
      if (hundredths / 100 === value && hundredths !== 0) return writeThousandths(bytes, at, hundredths * 10);
      const thousandths = Math.round(value * 1000);
      if (thousandths / 1000 === value && thousandths !== 0) return writeThousandths(bytes, at, thousandths);
    }
  }
  const text = formatFloat(value);
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
  return at;
}

/** Two digits of each number below 100, side by side. */
const PAIRS = Uint8Array.from({ length: 200 }, (_, i) => ZERO + (i % 2 === 0 ? Math.floor(i / 20) : (i >> 1) % 10));

/** Writes a whole number below 2^53. */
export function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  if (rest <= 0x7fffffff) return writeSmall(bytes, at, rest | 0);
  // Nine digits behind, and what is left is below 2^31 again.
  const billions = Math.floor(rest / 1e9);
  const end = writeSmall(bytes, at, billions) + 9;
  let low = (rest - billions * 1e9) | 0;
  for (let write = end; write > end - 9; ) {
    const quotient = (low / 10) | 0;
    bytes[--write] = ZERO + (low - quotient * 10);
    low = quotient;
  }
  return end;
}

/** Writes a whole number from 0 to 2^31 - 1. */
function writeSmall(bytes: Uint8Array, at: number, value: number): number {
  const end =
    at +
    (value < 100_000
      ? value < 1000
        ? value < 10
          ? 1
          : value < 100
            ? 2
            : 3
        : value < 10_000
          ? 4
          : 5
      : digitsAbove(value));
  let rest = value;
  let write = end;
  while (rest >= 10) {
    const quotient = (rest / 100) | 0;
    const pair = (rest - quotient * 100) << 1;
    bytes[--write] = PAIRS[pair + 1]!;
    bytes[--write] = PAIRS[pair]!;
    rest = quotient;
  }
  if (write > at) bytes[at] = ZERO + rest;
  return end;
}

function digitsAbove(value: number): number {
  return value < 10_000_000 ? (value < 1_000_000 ? 6 : 7) : value < 100_000_000 ? 8 : value < 1_000_000_000 ? 9 : 10;
}

function writeThousandths(bytes: Uint8Array, at: number, thousandths: number): number {
  let rest = thousandths;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  const whole = Math.floor(rest / 1000);
  const decimals = rest - whole * 1000;
  let end = writeInteger(bytes, at, whole);
  bytes[end++] = POINT;
  const hundreds = (decimals / 100) | 0;
  const tens = ((decimals / 10) | 0) - hundreds * 10;
  const ones = decimals - hundreds * 100 - tens * 10;
  bytes[end++] = ZERO + hundreds;
  if (tens !== 0 || ones !== 0) bytes[end++] = ZERO + tens;
  if (ones !== 0) bytes[end++] = ZERO + ones;
  return end;
}

/** The longest text of a time: sign, sixteen digits of seconds, point and three decimals. */
export const TIME_BYTES = 24;

/** A time in milliseconds as seconds with up to three decimals, trailing zeros trimmed, as the reference does. */
export function timeText(t: number): string {
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  return bytes.toString("latin1", 0, writeTimeDigits(bytes, 0, t));
}

/** Writes the same at `at` (room for `TIME_BYTES` is there) and returns the position behind it. `t` is whole. */
export function writeTimeDigits(bytes: Uint8Array, at: number, t: number): number {
  const seconds = Math.floor(t / 1000);
  return seconds * 1000 === t ? writeInteger(bytes, at, seconds) : writeThousandths(bytes, at, t);
}

export function writeTime(sink: ByteSink, t: number): void {
  const bytes = sink.reserve(TIME_BYTES);
  sink.advance(writeTimeDigits(bytes, sink.position, t));
}
