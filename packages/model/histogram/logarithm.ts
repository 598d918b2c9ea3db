// Powers and logarithms of two to the last bit as Go computes them: interpolated quantiles must come out equal.
// Source of the polynomial: FreeBSD's e_exp.c (Sun Microsystems, 1993), which Go's Exp2 follows too.

const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
const P1 = 0.16666666666666666;
const P2 = -0.0027777777777015593;
const P3 = 0.00006613756321437934;
const P4 = -0.0000016533902205465252;
const P5 = 4.1381367970572385e-8;

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/** The binary logarithm; exact for powers of two. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return Math.log2(x);
  // x = fraction * 2^exponent, the fraction in [0.5, 1).
  let exponent = 0;
  if (x < 2.2250738585072014e-308) {
    x *= 2 ** 52;
    exponent = -52;
  }
  float[0] = x;
  const high = halves[1] as number;
  exponent += ((high >>> 20) & 0x7ff) - 1022;
  halves[1] = (high & 0x000fffff) | (1022 << 20);
  const fraction = float[0] as number;
  if (fraction === 0.5) return exponent - 1;
  return Math.log(fraction) * (1 / Math.LN2) + exponent;
}

/** Two to the power of x. */
export function exp2(x: number): number {
  if (Number.isNaN(x) || x === Infinity) return x;
  if (x > 1.0239999999999999e3) return Infinity;
  if (x < -1.074e3) return 0;
  const whole = Math.trunc(x > 0 ? x + 0.5 : x < 0 ? x - 0.5 : 0);
  const rest = x - whole;
  const high = rest * LN2_HIGH;
  const low = -rest * LN2_LOW;
  const r = high - low;
  const t = r * r;
  const c = r - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))));
  return loadExponent(1 - (low - (r * c) / (2 - c) - high), whole);
}

/** `fraction * 2^exponent`, rounded once. The fraction lies between 0.5 and 2. */
export function loadExponent(fraction: number, exponent: number): number {
  if (exponent > 1023) return fraction * 2 ** 1023 * 2 ** (exponent - 1023);
  if (exponent < -1022) return fraction * 2 ** -1022 * 2 ** (exponent + 1022);
  halves[1] = (exponent + 1023) << 20;
  halves[0] = 0;
  return fraction * (float[0] as number);
}
