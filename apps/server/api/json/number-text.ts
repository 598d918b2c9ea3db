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

/** Writes a whole number of at most 15 digits. */
export function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  if (rest < 0) {
    bytes[at++] = MINUS;
    rest = -rest;
  }
  let digits = 1;
  for (let limit = 10; rest >= limit; limit *= 10) digits++;
  const end = at + digits;
  let write = end;
  while (rest >= 0x7fffffff) {
    const quotient = Math.floor(rest / 10);
    bytes[--write] = ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  let small = rest | 0;
  while (write > at) {
    const quotient = (small / 10) | 0;
    bytes[--write] = ZERO + (small - quotient * 10);
    small = quotient;
  }
  return end;
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

/** Writes a time in milliseconds as seconds with up to three decimals, trailing zeros trimmed, as the reference does. */
export function timeText(t: number): string {
  const negative = t < 0;
  const milliseconds = Math.abs(t);
  const seconds = Math.floor(milliseconds / 1000);
  const rest = milliseconds - seconds * 1000;
  const decimals = rest === 0 ? "" : `.${String(rest).padStart(3, "0").replace(/0+$/, "")}`;
  return `${negative ? "-" : ""}${seconds}${decimals}`;
}

export function writeTime(sink: ByteSink, t: number): void {
  sink.ascii(timeText(t));
}
