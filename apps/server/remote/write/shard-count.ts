// How many requests are under way at once: enough to keep up, no more.
// Source: the reference's queue manager (remote specification, "Sender: shards").

/** Weight of the newest interval in the moving averages. */
const WEIGHT = 0.2;
/** The wanted number must leave this band around the present one before anything changes. */
const TOLERANCE = 0.3;
/** Share of the backlog that is to be worked off per second. */
const BACKLOG_SHARE = 0.05;
/** While the newest sample sent is older than the newest known by more than this, no shard is taken away. */
const MAX_LAG_SECONDS = 10;

/** What happened since the last look. */
export interface Interval {
  readonly seconds: number;
  /** Entries that came in, were sent, and were left out on purpose. */
  readonly samplesIn: number;
  readonly samplesOut: number;
  readonly samplesDropped: number;
  /** Seconds that requests took, summed over all shards. */
  readonly sendSeconds: number;
  /** How far what was sent is behind what is known, in seconds. */
  readonly lagSeconds: number;
}

class MovingRate {
  #rate = 0;
  #isSet = false;

  next(perSecond: number): number {
    this.#rate = this.#isSet ? this.#rate + WEIGHT * (perSecond - this.#rate) : perSecond;
    this.#isSet = true;
    return this.#rate;
  }
}

/** Decides the number of shards, interval by interval. */
export class ShardCount {
  readonly #min: number;
  readonly #max: number;
  readonly #in = new MovingRate();
  readonly #out = new MovingRate();
  readonly #dropped = new MovingRate();
  readonly #sendTime = new MovingRate();
  #current: number;
  #desired: number;

  /** Begins with `min` shards and stays within `[min, max]`. */
  constructor(min: number, max: number) {
    this.#min = min;
    this.#max = max;
    this.#current = min;
    this.#desired = min;
  }

  get current(): number {
    return this.#current;
  }

  /** What the last interval asked for, before bounds and tolerance. */
  get desired(): number {
    return this.#desired;
  }

  /** Takes an interval in and returns the number of shards from now on; unless it `mayChange`, the present one. */
  next(interval: Interval, mayChange = true): number {
    const { seconds } = interval;
    const inRate = this.#in.next(interval.samplesIn / seconds);
    const outRate = this.#out.next(interval.samplesOut / seconds);
    const droppedRate = this.#dropped.next(interval.samplesDropped / seconds);
    const sendRate = this.#sendTime.next(interval.sendSeconds / seconds);
    // Nothing was sent, so nothing is known of what sending takes.
    if (outRate <= 0) return this.#current;
    const kept = outRate / (droppedRate + outRate);
    const pending = Math.max(0, interval.lagSeconds * inRate * kept);
    const secondsPerSample = sendRate / outRate;
    this.#desired = secondsPerSample * (inRate * kept + BACKLOG_SHARE * pending);
    const low = this.#current * (1 - TOLERANCE);
    const high = this.#current * (1 + TOLERANCE);
    const wanted = Math.ceil(this.#desired);
    if (!mayChange || (low <= wanted && wanted <= high)) return this.#current;
    if (wanted < this.#current && interval.lagSeconds > MAX_LAG_SECONDS) return this.#current;
    this.#current = Math.min(this.#max, Math.max(this.#min, wanted));
    return this.#current;
  }
}
