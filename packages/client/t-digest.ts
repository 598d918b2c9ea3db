// Quantiles of a stream without saying beforehand which: centroids that are small at both ends and larger in the middle.
// Source: T. Dunning, O. Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019), the merging variant, with the bound
// 4 * n * delta * q * (1 - q) on a centroid's weight and interpolation between centroids that prom-client's digest has.
import type { QuantileSketch } from "./sliding-quantiles.ts";

/** How much of the whole weight a centroid in the middle may have. */
const DELTA = 0.01;

/** A digest of observations; about a thousand centroids for any number of them. */
export class TDigest implements QuantileSketch {
  #means = new Float64Array(0);
  #weights = new Float64Array(0);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  reset(): void {
    this.#means = new Float64Array(0);
    this.#weights = new Float64Array(0);
    this.#count = 0;
  }

  merge(incoming: Float64Array): void {
    const total = this.#count + incoming.length;
    const means: number[] = [];
    const weights: number[] = [];
    let before = 0;
    let mine = 0;
    let next = 0;
    while (mine < this.#means.length || next < incoming.length) {
      const fromMine = next >= incoming.length || (this.#means[mine] as number) <= (incoming[next] as number);
      const mean = (fromMine ? this.#means[mine] : incoming[next]) as number;
      const weight = fromMine ? (this.#weights[mine++] as number) : 1;
      if (fromMine === false) next++;
      const last = means.length - 1;
      const joined = (weights[last] ?? 0) + weight;
      const q = (before + joined / 2) / total;
      if (last >= 0 && (means[last] === mean || joined <= 4 * total * DELTA * q * (1 - q))) {
        means[last] = (means[last] as number) + ((mean - (means[last] as number)) * weight) / joined;
        weights[last] = joined;
      } else {
        before += weights[last] ?? 0;
        means.push(mean);
        weights.push(weight);
      }
    }
    this.#means = Float64Array.from(means);
    this.#weights = Float64Array.from(weights);
    this.#count = total;
  }

  query(q: number): number {
    const { length } = this.#means;
    if (length === 0) return NaN;
    const wanted = q * this.#count;
    // Each centroid stands for the middle of its weight.
    let middle = (this.#weights[0] as number) / 2;
    if (wanted <= middle) return this.#means[0] as number;
    for (let i = 1; i < length; i++) {
      const next = middle + ((this.#weights[i - 1] as number) + (this.#weights[i] as number)) / 2;
      if (wanted <= next) {
        const low = this.#means[i - 1] as number;
        return low + ((wanted - middle) * ((this.#means[i] as number) - low)) / (next - middle);
      }
      middle = next;
    }
    return this.#means[length - 1] as number;
  }
}
