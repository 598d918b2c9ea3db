// Fused multiply-add, rounded once: what the reference's processor instructions do and JavaScript has no operation for.

const SPLITTER = 2 ** 27 + 1;
const double = new Float64Array(1);
const halves = new Uint32Array(double.buffer);

/**
 * `a * b + c` with a single rounding, for operands whose product neither overflows nor comes near the subnormals.
 *
 * The product is split into two exact parts, and the small parts are added with the last bit made odd where the sum is
 * not exact, so that the final addition rounds as if it saw all digits (Boldo and Melquiond, "Emulation of FMA and
 * correctly rounded sums", IEEE Transactions on Computers 57, 2008).
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const ca = SPLITTER * a;
  const aHigh = ca - (ca - a);
  const aLow = a - aHigh;
  const cb = SPLITTER * b;
  const bHigh = cb - (cb - b);
  const bLow = b - bHigh;
  const rest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  // c + rest, exactly.
  const low = c + rest;
  const lowShare = low - c;
  const lowError = c - (low - lowShare) + (rest - lowShare);
  // product + low, exactly.
  const high = product + low;
  const highShare = high - product;
  const highError = product - (high - highShare) + (low - highShare);
  return high + addToOdd(highError, lowError);
}

/** `a + b`, and where that is not exact, the neighbour with an odd last bit. */
function addToOdd(a: number, b: number): number {
  const sum = a + b;
  const share = sum - a;
  const error = a - (sum - share) + (b - share);
  if (error === 0) return sum;
  double[0] = sum;
  if ((halves[0] & 1) === 1) return sum;
  // The true sum lies on the side of the error: step one bit that way.
  if (error > 0 === sum > 0) {
    halves[0] = (halves[0] + 1) >>> 0;
  } else {
    if (halves[0] === 0) halves[1]--;
    halves[0] = (halves[0] - 1) >>> 0;
  }
  return double[0];
}
