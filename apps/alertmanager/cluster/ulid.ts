// A name for a member that was given none: 26 characters that sort by the time they were made (https://github.com/ulid/spec).
import { randomBytes } from "node:crypto";

const DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const TIME_DIGITS = 10;
const RANDOM_BYTES = 10;

/** `random` are ten bytes. */
export function ulid(nowMs: number, random: Uint8Array = randomBytes(RANDOM_BYTES)): string {
  let time = Math.floor(nowMs);
  let text = "";
  for (let i = 0; i < TIME_DIGITS; i++) {
    text = DIGITS[time % 32] + text;
    time = Math.floor(time / 32);
  }
  // Five bytes are eight digits.
  for (let start = 0; start < RANDOM_BYTES; start += 5) {
    let value = random.subarray(start, start + 5).reduce((sum, byte) => sum * 256 + byte, 0);
    let digits = "";
    for (let i = 0; i < 8; i++) {
      digits = DIGITS[value % 32] + digits;
      value = Math.floor(value / 32);
    }
    text += digits;
  }
  return text;
}
