// The samples of one scrape on their way into an appender.

/** Capacity kept between scrapes; a batch that grew beyond gives the memory back. */
const KEPT_SAMPLES = 1 << 20;

/** Parallel arrays, reused from scrape to scrape: scrapes are taken in one after another, so one batch serves all. */
export class SampleBatch {
  count = 0;
  refs: Uint32Array = new Uint32Array(1024);
  /** Which entry of the cache each sample belongs to. */
  entries: Int32Array = new Int32Array(1024);
  values: Float64Array = new Float64Array(1024);
  /** The memory of `values`, low half first. */
  halves: Uint32Array = new Uint32Array(this.values.buffer);
  verdicts: Uint8Array = new Uint8Array(1024);
  /** Start timestamps, 0 where unknown; undefined until somebody asked for them. */
  startTimes: Float64Array | undefined = undefined;

  /** Makes `startTimes`. What stands there already counts; who adds samples afterwards sets theirs as well. */
  withStartTimes(): Float64Array {
    this.startTimes ??= new Float64Array(this.refs.length);
    return this.startTimes;
  }

  /** Makes room for `extra` more samples. The arrays may be replaced: read the fields again afterwards. */
  reserve(extra: number): void {
    const needed = this.count + extra;
    if (needed <= this.refs.length) return;
    this.#resize(Math.max(needed, this.refs.length * 2));
  }

  clear(): void {
    this.count = 0;
    this.startTimes = undefined;
    if (this.refs.length > KEPT_SAMPLES) this.#resize(KEPT_SAMPLES);
  }

  #resize(capacity: number): void {
    const refs = new Uint32Array(capacity);
    const entries = new Int32Array(capacity);
    const halves = new Uint32Array(capacity * 2);
    refs.set(this.refs.subarray(0, this.count));
    entries.set(this.entries.subarray(0, this.count));
    halves.set(this.halves.subarray(0, this.count * 2));
    this.refs = refs;
    this.entries = entries;
    this.halves = halves;
    this.values = new Float64Array(halves.buffer);
    this.verdicts = new Uint8Array(capacity);
    if (this.startTimes === undefined) return;
    const startTimes = new Float64Array(capacity);
    startTimes.set(this.startTimes.subarray(0, this.count));
    this.startTimes = startTimes;
  }
}
