// Which bucket of a native histogram a value falls into. Source: Prometheus "Native histograms", schemas -4 to 8.

// 2^(1/2), 2^(1/4), ... 2^(1/256) as the reference has them, the first of them not the nearest float: buckets must end where those of
// other clients end.
const FACTORS = [
  Math.SQRT2 - 2 ** -52,
  1.189207115002721,
  1.0905077326652577,
  1.0442737824274138,
  1.0218971486541166,
  1.0108892860517005,
  1.0054299011128027,
  1.0027112750502025,
];

let bounds: Float64Array | undefined;

/**
 * The 256 bounds between 0.5 (included) and 1 of schema 8; coarser schemas take every second, fourth, ... of them. Each schema puts one
 * bound between every two of the one before, as client_golang does, to the last bit. Made on first use.
 */
function finestBounds(): Float64Array {
  if (bounds !== undefined) return bounds;
  let coarser = Float64Array.of(0.5);
  for (const factor of FACTORS) {
    const finer = new Float64Array(coarser.length * 2);
    for (let i = 0; i < coarser.length; i++) {
      finer[2 * i] = coarser[i] as number;
      finer[2 * i + 1] = (coarser[i] as number) * factor;
    }
    coarser = finer;
  }
  bounds = coarser;
  return bounds;
}

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

/** The index of the bucket of a finite value other than 0, by its magnitude. */
export function bucketIndex(value: number, schema: number): number {
  float[0] = value < 0 ? -value : value;
  let exponent = (halves[HIGH] as number) >>> 20;
  if (exponent === 0) {
    // Too small for an exponent of its own.
    float[0] = (float[0] as number) * 2 ** 54;
    exponent = ((halves[HIGH] as number) >>> 20) - 54;
  }
  exponent -= 1022;
  halves[HIGH] = ((halves[HIGH] as number) & 0xf_ffff) | (1022 << 20);
  const fraction = float[0] as number;
  if (schema <= 0) {
    const index = fraction === 0.5 ? exponent - 1 : exponent;
    return (index + (1 << -schema) - 1) >> -schema;
  }
  const finest = finestBounds();
  const step = 256 >> schema;
  let low = 0;
  let high = 1 << schema;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((finest[middle * step] as number) < fraction) low = middle + 1;
    else high = middle;
  }
  return low + (exponent - 1) * (1 << schema);
}

/** The upper bound of a bucket, which belongs to it. The one that holds the largest float ends there. */
export function upperBound(index: number, schema: number): number {
  if (schema < 0) {
    const exponent = index * 2 ** -schema;
    return exponent >= 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const fraction = finestBounds()[(index & ((1 << schema) - 1)) * (256 >> schema)] as number;
  const exponent = (index >> schema) + 1;
  if (fraction === 0.5 && exponent === 1025) return Number.MAX_VALUE;
  // In two steps, since 2^1024 is no float and neither are the smallest powers times a fraction exact at once.
  const half = Math.trunc(exponent / 2);
  return fraction * 2 ** half * 2 ** (exponent - half);
}

/** The finest schema whose buckets grow by no more than `factor` from one to the next, within -4 to 8. */
export function schemaFor(factor: number): number {
  const floor = Math.floor(Math.log2(Math.log2(factor)));
  return Math.max(-4, Math.min(8, 0 - floor));
}
