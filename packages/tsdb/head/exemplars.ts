// Exemplars: the newest of all series in one ring, of a size that may change while it runs.
import { type Exemplar, Labels } from "@narthex/model";
import { Append } from "@narthex/storage";

/** Characters that names and values of an exemplar's labels may have together. Source: OpenMetrics 1.0. */
export const MAX_EXEMPLAR_CHARACTERS = 128;
const NONE = -1;

/** Exemplars of one series, ascending by time. */
export interface SeriesExemplars {
  readonly labels: Labels;
  readonly exemplars: readonly Exemplar[];
}

interface SeriesEntry {
  readonly ref: number;
  readonly labels: Labels;
  oldest: number;
  newest: number;
}

/** Used by the single writer's thread. At most `capacity` exemplars are kept, whatever the number of series. */
export class ExemplarRing {
  /** Since the start: exemplars taken, and those refused because they were older than their series' newest. */
  appended = 0;
  outOfOrder = 0;
  #ring: (Exemplar | undefined)[];
  #series: (SeriesEntry | undefined)[];
  /** Of each exemplar, the next newer one of its series. */
  #newer: Int32Array;
  #next = 0;
  #count = 0;
  readonly #bySeries = new Map<number, SeriesEntry>();

  /** `capacity` 0 keeps none and refuses all. */
  constructor(capacity: number) {
    this.#ring = new Array(capacity);
    this.#series = new Array(capacity);
    this.#newer = new Int32Array(capacity);
  }

  get capacity(): number {
    return this.#newer.length;
  }

  /** Exemplars that are kept now. */
  get count(): number {
    return this.#count;
  }

  get seriesCount(): number {
    return this.#bySeries.size;
  }

  /** Time of the oldest exemplar in the order of their coming (milliseconds); 0 while there is none. */
  get oldestTime(): number {
    return this.#count === 0 ? 0 : this.#ring[this.#count < this.capacity ? 0 : this.#next]!.t;
  }

  /**
   * What `add` would say: `duplicate` for the series' newest one again, `outOfOrder` for an older one (or an equally old one with a
   * lower value), `unsupported` when exemplars are not kept or the labels are too long.
   */
  verdict(ref: number, exemplar: Exemplar): Append {
    if (this.capacity === 0 || !Number.isSafeInteger(exemplar.t) || hasTooLongLabels(exemplar.labels)) {
      return Append.unsupported;
    }
    const entry = this.#bySeries.get(ref);
    if (entry === undefined) return Append.ok;
    const order = compareExemplars(exemplar, this.#ring[entry.newest]!);
    return order === 0 ? Append.duplicate : order < 0 ? Append.outOfOrder : Append.ok;
  }

  /** Keeps an exemplar, in place of the oldest one when the ring is full. `labels` are those of the series. */
  add(ref: number, labels: () => Labels, exemplar: Exemplar): Append {
    const verdict = this.verdict(ref, exemplar);
    if (verdict === Append.outOfOrder) this.outOfOrder++;
    if (verdict !== Append.ok) return verdict;
    const at = this.#next;
    this.#drop(at);
    const entry = this.#bySeries.get(ref);
    if (entry === undefined) {
      const fresh = { ref, labels: labels(), oldest: at, newest: at };
      this.#bySeries.set(ref, fresh);
      this.#series[at] = fresh;
    } else {
      this.#newer[entry.newest] = at;
      entry.newest = at;
      this.#series[at] = entry;
    }
    this.#ring[at] = exemplar;
    this.#newer[at] = NONE;
    this.#next = at + 1 === this.capacity ? 0 : at + 1;
    this.#count++;
    this.appended++;
    return Append.ok;
  }

  /** All exemplars with the refs of their series, in the order of their coming. */
  *entries(): Generator<{ readonly ref: number; readonly exemplar: Exemplar }> {
    const first = this.#count < this.capacity ? 0 : this.#next;
    for (let i = 0; i < this.#count; i++) {
      const at = (first + i) % this.capacity;
      yield { ref: this.#series[at]!.ref, exemplar: this.#ring[at]! };
    }
  }

  /** Forgets all exemplars. */
  clear(): void {
    const { capacity } = this;
    this.resize(0);
    this.resize(capacity);
  }

  /** Changes how many are kept; the newest stay. */
  resize(capacity: number): void {
    if (capacity === this.capacity) return;
    const kept: [SeriesEntry, Exemplar][] = [];
    const first = this.#count < this.capacity ? 0 : this.#next;
    for (let i = Math.max(0, this.#count - capacity); i < this.#count; i++) {
      const at = (first + i) % this.capacity;
      kept.push([this.#series[at]!, this.#ring[at]!]);
    }
    const { appended, outOfOrder } = this;
    this.#ring = new Array(capacity);
    this.#series = new Array(capacity);
    this.#newer = new Int32Array(capacity);
    this.#next = this.#count = 0;
    this.#bySeries.clear();
    for (const [{ ref, labels }, exemplar] of kept) this.add(ref, () => labels, exemplar);
    this.appended = appended;
    this.outOfOrder = outOfOrder;
  }

  /** Exemplars with `minTime <= t <= maxTime` of the series that pass, sorted by labels. */
  select(minTime: number, maxTime: number, passes: (labels: Labels) => boolean): SeriesExemplars[] {
    const found: { labels: Labels; exemplars: Exemplar[] }[] = [];
    for (const { labels, oldest, newest } of this.#bySeries.values()) {
      if (this.#ring[oldest]!.t > maxTime || this.#ring[newest]!.t < minTime || !passes(labels)) continue;
      const exemplars: Exemplar[] = [];
      for (let at = oldest; at !== NONE; at = this.#newer[at] as number) {
        const exemplar = this.#ring[at]!;
        if (exemplar.t > maxTime) break;
        if (exemplar.t >= minTime) exemplars.push(exemplar);
      }
      if (exemplars.length > 0) found.push({ labels, exemplars });
    }
    found.sort((a, b) => Labels.compare(a.labels, b.labels));
    // A series that went and came back has two refs, but is one.
    return found
      .filter(({ labels, exemplars }, i) => {
        const before = found[i - 1];
        if (before === undefined || !before.labels.equals(labels)) return true;
        exemplars.unshift(...before.exemplars);
        exemplars.sort(compareExemplars);
        before.exemplars.length = 0;
        return true;
      })
      .filter(({ exemplars }) => exemplars.length > 0);
  }

  /** Empties a place that is to be used again. It holds the oldest exemplar of its series. */
  #drop(at: number): void {
    const entry = this.#series[at];
    if (entry === undefined) return;
    this.#count--;
    this.#series[at] = undefined;
    if (entry.newest === at) this.#bySeries.delete(entry.ref);
    else entry.oldest = this.#newer[at] as number;
  }
}

/** Exemplars of one series: by time, then value, then labels, so that those of one scrape can be told from repetitions. */
function compareExemplars(a: Exemplar, b: Exemplar): number {
  if (a.t !== b.t) return a.t - b.t;
  if (!Object.is(a.value, b.value) && a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.labels.key === b.labels.key ? 0 : a.labels.key < b.labels.key ? -1 : 1;
}

function hasTooLongLabels(labels: Labels): boolean {
  let characters = 0;
  for (const text of labels.pairs) {
    // Only where surrogates may hide a shorter text is it worth counting characters.
    characters += text.length > 2 * MAX_EXEMPLAR_CHARACTERS ? text.length : [...text].length;
  }
  return characters > MAX_EXEMPLAR_CHARACTERS;
}
