// Samples as unit tests compare and print them.
import { formatFloat, type Labels } from "@narthex/model";

export interface SampleText {
  readonly labels: Labels;
  readonly value: number;
  /** In the notation of test scripts; "" for a float. */
  readonly histogram: string;
}

/** Both sorted by labels. Floats are equal, or, when `fuzzy`, neighbours at most; NaN equals NaN. */
export function sameSamples(wanted: readonly SampleText[], got: readonly SampleText[], fuzzy: boolean): boolean {
  return (
    wanted.length === got.length &&
    wanted.every(({ labels, value, histogram }, i) => {
      const other = got[i] as SampleText;
      return labels.equals(other.labels) && histogram === other.histogram && sameFloats(value, other.value, fuzzy);
    })
  );
}

function sameFloats(a: number, b: number, fuzzy: boolean): boolean {
  if (a === b) return true;
  return fuzzy ? areNeighbours(a, b) : Number.isNaN(a) && Number.isNaN(b);
}

const halves = new Float64Array(2);
const bits = new BigInt64Array(halves.buffer);

/** Whether no other float lies between two. */
function areNeighbours(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return false;
  halves[0] = a;
  halves[1] = b;
  // Floats of one sign are ordered as their bits are; those below zero backwards.
  const order = (at: bigint): bigint => (at < 0n ? -(at & 0x7fff_ffff_ffff_ffffn) : at);
  const distance = order(bits[0] as bigint) - order(bits[1] as bigint);
  return distance >= -1n && distance <= 1n;
}

export function samplesText(samples: readonly SampleText[]): string {
  if (samples.length === 0) return "nil";
  return samples
    .map(({ labels, value, histogram }) => `${labels} ${histogram === "" ? exponent(value) : histogram}`)
    .join(", ");
}

/** The shortest digits with an exponent of two digits at least: `2E+00`. */
function exponent(value: number): string {
  if (!Number.isFinite(value)) return formatFloat(value);
  const text = value.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
  return (Object.is(value, -0) ? "-" : "") + text.replace("e", "E");
}
