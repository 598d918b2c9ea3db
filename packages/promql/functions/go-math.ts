// Elementary functions with the very roundings of the reference's runtime, where those differ from JavaScript's.

import { fusedMultiplyAdd } from "./fused.ts";

const view = new DataView(new ArrayBuffer(8));

/** Splits a finite number into a fraction in [0.5, 1) and an exponent, `value = fraction * 2^exponent`. */
function splitExponent(value: number): { fraction: number; exponent: number } {
  if (value === 0 || !Number.isFinite(value)) return { fraction: value, exponent: 0 };
  let scaled = value;
  let shift = 0;
  if (Math.abs(scaled) < 2 ** -1022) {
    scaled *= 2 ** 52;
    shift = -52;
  }
  view.setFloat64(0, scaled);
  const high = view.getUint32(0);
  const exponent = ((high >>> 20) & 0x7ff) - 1022 + shift;
  view.setUint32(0, (high & ~(0x7ff << 20)) | (1022 << 20));
  return { fraction: view.getFloat64(0), exponent };
}

/** `fraction * 2^exponent`, rounded once. */
function scale(fraction: number, exponent: number): number {
  if (exponent > 1023)
    return exponent > 2100
      ? fraction * Infinity
      : fraction * 2 ** 1023 * 2 ** Math.min(1023, exponent - 1023) * (exponent > 2046 ? 2 ** (exponent - 2046) : 1);
  if (exponent >= -1000) return fraction * 2 ** exponent;
  if (exponent < -2200) return fraction * 0;
  // The first factor keeps the number normal, so that only the last multiplication rounds.
  const { fraction: part, exponent: own } = splitExponent(fraction);
  const total = own + exponent;
  return total < -1080 ? part * 0 : part * 2 ** -1000 * 2 ** (total + 1000);
}

/** `x ^ y`: by repeated squaring for the whole part of y, exp and log for the rest. */
export function power(x: number, y: number): number {
  if (y === 0 || x === 1) return 1;
  if (y === 1) return x;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  if (x === 0) {
    const odd = Math.abs(y) < 2 ** 53 && Math.abs(y % 2) === 1;
    if (y < 0) return odd && Object.is(x, -0) ? -Infinity : Infinity;
    return odd ? x : 0;
  }
  if (y === Infinity || y === -Infinity) {
    if (x === -1) return 1;
    return Math.abs(x) < 1 === y > 0 ? 0 : Infinity;
  }
  if (x === Infinity || x === -Infinity) {
    const odd = Math.abs(y) < 2 ** 53 && Math.abs(y % 2) === 1;
    if (x === -Infinity) {
      if (y < 0) return odd ? -0 : 0;
      return odd ? -Infinity : Infinity;
    }
    return y < 0 ? 0 : Infinity;
  }
  if (y === 0.5) return Math.sqrt(x);
  if (y === -0.5) return 1 / Math.sqrt(x);
  const magnitude = Math.abs(y);
  let whole = Math.trunc(magnitude);
  let rest = magnitude - whole;
  if (rest !== 0 && x < 0) return NaN;
  if (whole >= 2 ** 63) {
    if (x === -1) return 1;
    return Math.abs(x) < 1 === y > 0 ? 0 : Infinity;
  }
  let result = 1;
  let exponent = 0;
  if (rest !== 0) {
    if (rest > 0.5) {
      rest--;
      whole++;
    }
    result = exponential(rest * logarithm(x));
  }
  let { fraction, exponent: step } = splitExponent(x);
  for (let bits = whole; bits !== 0; bits = Math.floor(bits / 2)) {
    if (step < -4096 || step > 4096) {
      exponent += step;
      break;
    }
    if (bits % 2 === 1) {
      result *= fraction;
      exponent += step;
    }
    fraction *= fraction;
    step *= 2;
    if (fraction < 0.5) {
      fraction += fraction;
      step--;
    }
  }
  if (y < 0) {
    result = 1 / result;
    exponent = -exponent;
  }
  return scale(result, exponent);
}

const LN2_UPPER = 0.693147180559663;
const LN2_LOWER = 2.8235290563031577e-13;
/** Adding and taking this off rounds to a whole number, halves to even. */
const ROUNDER = 1.5 * 2 ** 52;

/** e^x: Shibata's series with fused multiply-adds, as the reference computes it on amd64. */
export function exponential(x: number): number {
  if (Number.isNaN(x) || x === Infinity) return x;
  if (x === -Infinity) return 0;
  if (x > 709.782712893384) return Infinity;
  if (x < -746) return 0;
  const exponent = Math.LOG2E * x + ROUNDER - ROUNDER;
  let r = fusedMultiplyAdd(-exponent, LN2_UPPER, x);
  r = fusedMultiplyAdd(-exponent, LN2_LOWER, r);
  r *= 0.0625;
  let p = 2.48015873015873e-5;
  p = fusedMultiplyAdd(r, p, 0.0001984126984126984);
  p = fusedMultiplyAdd(r, p, 0.001388888888888889);
  p = fusedMultiplyAdd(r, p, 0.008333333333333333);
  p = fusedMultiplyAdd(r, p, 0.041666666666666664);
  p = fusedMultiplyAdd(r, p, 0.16666666666666666);
  p = fusedMultiplyAdd(r, p, 0.5);
  p = fusedMultiplyAdd(r, p, 1);
  r *= p;
  r *= r + 2;
  r *= r + 2;
  r *= r + 2;
  return scale(fusedMultiplyAdd(r + 2, r, 1), exponent);
}

/** Natural logarithm: FreeBSD's e_log.c, on fractions between the square roots of 1/2 and 2. */
export function logarithm(x: number): number {
  if (Number.isNaN(x) || x === Infinity) return x;
  if (x < 0) return NaN;
  if (x === 0) return -Infinity;
  const split = splitExponent(x);
  let { fraction, exponent: k } = split;
  if (fraction < Math.SQRT1_2) {
    fraction *= 2;
    k--;
  }
  const f = fraction - 1;
  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const t1 =
    s2 * (0.6666666666666735 + s4 * (0.2857142874366239 + s4 * (0.1818357216161805 + s4 * 0.14798198605116586)));
  const t2 = s4 * (0.3999999999940942 + s4 * (0.22222198432149784 + s4 * 0.15313837699209373));
  const r = t1 + t2;
  const square = 0.5 * f * f;
  return k * 0.6931471803691238 - (square - (s * (square + r) + k * 1.9082149292705877e-10) - f);
}

/** Logarithm to base 2: exact for powers of two. */
export function logarithm2(x: number): number {
  const { fraction, exponent } = splitExponent(x);
  if (fraction === 0.5) return exponent - 1;
  return logarithm(fraction) * Math.LOG2E + exponent;
}

/** Logarithm to base 10. */
export function logarithm10(x: number): number {
  return logarithm(x) * Math.LOG10E;
}

/** Hyperbolic sine: a rational approximation below 0.5, exponentials above. */
export function sinh(x: number): number {
  const a = Math.abs(x);
  let result: number;
  if (a > 21) {
    result = exponential(a) * 0.5;
  } else if (a > 0.5) {
    const e = exponential(a);
    result = (e - 1 / e) * 0.5;
  } else {
    const s = a * a;
    result = (((-26.30563213397497 * s + -2894.211355989564) * s + -89912.72022039509) * s + -630767.3640497717) * a;
    result /= ((s + -173.6789535582337) * s + 15215.17378790019) * s + -630767.3640497717;
  }
  return x < 0 ? -result : Object.is(x, -0) ? -0 : result;
}

/** Hyperbolic cosine. */
export function cosh(x: number): number {
  const a = Math.abs(x);
  if (a > 21) return exponential(a) * 0.5;
  const e = exponential(a);
  return (e + 1 / e) * 0.5;
}

/** Hyperbolic tangent: a rational approximation below 0.625, exponentials above. */
export function tanh(x: number): number {
  const a = Math.abs(x);
  if (a > 0.5 * 88.02969193111305) return x < 0 ? -1 : 1;
  if (a >= 0.625) {
    const s = exponential(2 * a);
    const result = 1 - 2 / (s + 1);
    return x < 0 ? -result : result;
  }
  if (x === 0) return x;
  const s = x * x;
  const p = (-0.9643991794250523 * s + -99.28772310019185) * s + -1614.6876844170845;
  const q = ((s + 112.81167849163293) * s + 2235.4883906010045) * s + 4844.063053251255;
  return x + (x * s * p) / q;
}

/** Inverse hyperbolic sine. */
export function asinh(x: number): number {
  if (!Number.isFinite(x)) return x;
  const a = Math.abs(x);
  let result: number;
  if (a > 2 ** 28) result = logarithm(a) + Math.LN2;
  else if (a > 2) result = logarithm(2 * a + 1 / (Math.sqrt(a * a + 1) + a));
  else if (a < 2 ** -28) result = a;
  else result = Math.log1p(a + (a * a) / (1 + Math.sqrt(1 + a * a)));
  return x < 0 || Object.is(x, -0) ? -result : result;
}

/** Inverse hyperbolic cosine. */
export function acosh(x: number): number {
  if (x < 1 || Number.isNaN(x)) return NaN;
  if (x === 1) return 0;
  if (x >= 2 ** 28) return logarithm(x) + Math.LN2;
  if (x > 2) return logarithm(2 * x - 1 / (x + Math.sqrt(x * x - 1)));
  const t = x - 1;
  return Math.log1p(t + Math.sqrt(2 * t + t * t));
}

/** Inverse hyperbolic tangent. */
export function atanh(x: number): number {
  if (x < -1 || x > 1 || Number.isNaN(x)) return NaN;
  if (x === 1) return Infinity;
  if (x === -1) return -Infinity;
  const a = Math.abs(x);
  let result: number;
  if (a < 2 ** -28) result = a;
  else if (a < 0.5) result = a + a;
  else result = 0.5 * Math.log1p((a + a) / (1 - a));
  if (a >= 2 ** -28 && a < 0.5) result = 0.5 * Math.log1p(result + (result * a) / (1 - a));
  return x < 0 || Object.is(x, -0) ? -result : result;
}

/** The larger, NaN if either is NaN (an infinity in the right direction wins even then). */
export function maximum(a: number, b: number): number {
  if (a === Infinity || b === Infinity) return Infinity;
  return Math.max(a, b);
}

/** The smaller, NaN if either is NaN (an infinity in the right direction wins even then). */
export function minimum(a: number, b: number): number {
  if (a === -Infinity || b === -Infinity) return -Infinity;
  return Math.min(a, b);
}
