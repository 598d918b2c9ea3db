// Elementary functions with the very roundings of the reference's runtime, where those differ from JavaScript's.

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

/** e^x. */
export function exponential(x: number): number {
  return Math.exp(x);
}

/** Natural logarithm. */
export function logarithm(x: number): number {
  return Math.log(x);
}

/** Logarithm to base 2: exact for powers of two. */
export function logarithm2(x: number): number {
  const { fraction, exponent } = splitExponent(x);
  if (fraction === 0.5) return exponent - 1;
  return logarithm(fraction) * (1 / Math.LN2) + exponent;
}

/** Logarithm to base 10, by way of base 2. */
export function logarithm10(x: number): number {
  return logarithm2(x) * (Math.LN2 / Math.LN10);
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
  return x + x * s * (p / q);
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
