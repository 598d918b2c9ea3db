// Circular functions with the very roundings of the reference's runtime (polynomials of the Cephes library).

const PI4_HIGH = 0.7853981256484985;
const PI4_MIDDLE = 3.774894707930798e-8;
const PI4_LOW = 2.6951514290790595e-15;
/** From here on the octant is found with as many digits of pi as it takes. */
const REDUCTION_LIMIT = 2 ** 29;
const HALF_PI_REST = 6.123233995736766e-17;
const TAN_3_PI_8 = 2.414213562373095;

const reduced = { octant: 0, rest: 0 };

/** Octant (0 to 7, even) and what is left of a positive number modulo pi/4, into `reduced`. */
function reduce(x: number): void {
  if (x >= REDUCTION_LIMIT) {
    reduceLarge(x);
    return;
  }
  let octant = Math.trunc(x * (4 / Math.PI));
  if (octant % 2 === 1) octant++;
  reduced.octant = octant % 8;
  reduced.rest = x - octant * PI4_HIGH - octant * PI4_MIDDLE - octant * PI4_LOW;
}

function sinePolynomial(z: number): number {
  const zz = z * z;
  return (
    z +
    z *
      zz *
      (((((1.5896230157654656e-10 * zz + -2.5050747762857807e-8) * zz + 2.7557313621385722e-6) * zz +
        -0.0001984126982958954) *
        zz +
        0.008333333333322118) *
        zz +
        -0.1666666666666663)
  );
}

function cosinePolynomial(z: number): number {
  const zz = z * z;
  return (
    1 -
    0.5 * zz +
    zz *
      zz *
      (((((-1.1358536521387682e-11 * zz + 2.087570084197473e-9) * zz + -2.755731417929674e-7) * zz +
        2.4801587288851704e-5) *
        zz +
        -0.0013888888888873056) *
        zz +
        0.041666666666666595)
  );
}

/** Sine of radians. */
export function sin(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  if (!Number.isFinite(x)) return NaN;
  reduce(Math.abs(x));
  let { octant } = reduced;
  let negative = x < 0;
  if (octant > 3) {
    negative = !negative;
    octant -= 4;
  }
  const y = octant === 1 || octant === 2 ? cosinePolynomial(reduced.rest) : sinePolynomial(reduced.rest);
  return negative ? -y : y;
}

/** Cosine of radians. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  reduce(Math.abs(x));
  let { octant } = reduced;
  let negative = false;
  if (octant > 3) {
    octant -= 4;
    negative = true;
  }
  if (octant > 1) negative = !negative;
  const y = octant === 1 || octant === 2 ? sinePolynomial(reduced.rest) : cosinePolynomial(reduced.rest);
  return negative ? -y : y;
}

/** Tangent of radians. */
export function tan(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x;
  if (!Number.isFinite(x)) return NaN;
  reduce(Math.abs(x));
  const z = reduced.rest;
  const zz = z * z;
  let y = z;
  if (zz > 1e-14) {
    const p = zz * ((-13093.693918138379 * zz + 1153516.6483858742) * zz + -17956525.197648488);
    const q =
      (((zz + 13681.296347069296) * zz + -1320892.3444021097) * zz + 25008380.18233579) * zz + -53869575.592945464;
    y = z + z * (p / q);
  }
  if ((reduced.octant & 2) === 2) y = -1 / y;
  return x < 0 ? -y : y;
}

/** Arctangent for 0 <= x <= 0.66. */
function smallArctangent(x: number): number {
  const z = x * x;
  const p =
    (((-0.8750608600031904 * z + -16.157537187333652) * z + -75.00855792314705) * z + -122.88666844901361) * z +
    -64.85021904942025;
  const q =
    ((((z + 24.858464901423062) * z + 165.02700983169885) * z + 432.88106049129027) * z + 485.3903996359137) * z +
    194.5506571482614;
  return x * ((z * p) / q) + x;
}

/** Arctangent for x >= 0. */
function positiveArctangent(x: number): number {
  if (x <= 0.66) return smallArctangent(x);
  if (x > TAN_3_PI_8) return Math.PI / 2 - smallArctangent(1 / x) + HALF_PI_REST;
  return Math.PI / 4 + smallArctangent((x - 1) / (x + 1)) + 0.5 * HALF_PI_REST;
}

/** Arctangent in radians. */
export function atan(x: number): number {
  if (x === 0) return x;
  return x > 0 ? positiveArctangent(x) : -positiveArctangent(-x);
}

/** Arcsine in radians. */
export function asin(x: number): number {
  if (x === 0) return x;
  const a = Math.abs(x);
  if (!(a <= 1)) return NaN;
  const root = Math.sqrt(1 - a * a);
  const y = a > 0.7 ? Math.PI / 2 - positiveArctangent(root / a) : positiveArctangent(a / root);
  return x < 0 ? -y : y;
}

/** Arccosine in radians. */
export function acos(x: number): number {
  return Math.PI / 2 - asin(x);
}

/** The angle of the point (x, y) in radians. */
export function atan2(y: number, x: number): number {
  // Zeros, infinities and NaN have fixed answers, the same everywhere.
  if (y === 0 || x === 0 || !Number.isFinite(x) || !Number.isFinite(y)) return Math.atan2(y, x);
  const angle = atan(y / x);
  if (x > 0) return angle;
  return angle <= 0 ? angle + Math.PI : angle - Math.PI;
}

const FRACTION_BITS = 1280n;
let fourByPi: bigint | undefined;

/** 4/pi with 1280 binary places, from Machin's formula; made at first use. */
function fourByPiDigits(): bigint {
  if (fourByPi !== undefined) return fourByPi;
  const guard = 64n;
  const one = 1n << (FRACTION_BITS + guard);
  const arctangentOfInverse = (n: bigint): bigint => {
    let term = one / n;
    let sum = term;
    for (let k = 1n; term !== 0n; k++) {
      term /= n * n;
      const part = term / (2n * k + 1n);
      sum += k % 2n === 1n ? -part : part;
    }
    return sum;
  };
  const quarterPi = 4n * arctangentOfInverse(5n) - arctangentOfInverse(239n);
  fourByPi = ((one * one) / quarterPi) >> guard;
  return fourByPi;
}

const view = new DataView(new ArrayBuffer(8));

/** Payne and Hanek's reduction: 192 digits of 4/pi, from where they begin to matter for a number of this size. */
function reduceLarge(x: number): void {
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = Number(bits >> 52n) - 1023 - 52;
  const mantissa = (bits & ((1n << 52n) - 1n)) | (1n << 52n);
  // The first word of the digits holds the whole part (1), so digit 0 begins 63 places before the point.
  const from = BigInt(exponent + 61);
  const digits = (fourByPiDigits() >> (FRACTION_BITS + 64n - 64n - from - 128n)) & ((1n << 192n) - 1n);
  const word = (1n << 64n) - 1n;
  const z0 = digits >> 128n;
  const z1 = (digits >> 64n) & word;
  const z2 = digits & word;
  const product = (((z0 * mantissa) << 64n) + z1 * mantissa + ((z2 * mantissa) >> 64n)) & ((1n << 128n) - 1n);
  let octant = Number(product >> 125n);
  const high = (product >> 61n) & word;
  const low = product & word;
  let rest = 0;
  if (high !== 0n) {
    const zeros = 64 - high.toString(2).length;
    // The reference takes the missing digits from the lower half as it stands, not moved by the octant's three bits.
    const kept = ((high << BigInt(zeros + 1)) & word) | (low >> BigInt(63 - zeros));
    rest = (1 + Number(kept >> 12n) * 2 ** -52) * 2 ** -(zeros + 1);
  }
  if (octant % 2 === 1) {
    octant = (octant + 1) % 8;
    rest -= 1;
  }
  reduced.octant = octant;
  reduced.rest = rest * (Math.PI / 4);
}
