// News on their way to everybody: each goes out a number of times, to whoever is chosen, those that went out least often first.

interface Broadcast {
  readonly message: Uint8Array;
  /** A later broadcast about the same takes its place. */
  readonly about: string | undefined;
  readonly finished: (() => void) | undefined;
  /** How often it went out. */
  tier: number;
}

export interface BroadcastQueueOptions {
  /** Members that there are, this one included. */
  readonly members: () => number;
  /** Each broadcast goes out `multiplier * ceil(log10(members + 1))` times. */
  readonly multiplier: number;
  /** Beyond so many, those that went out most often are dropped: a full exchange of states brings what they would have. */
  readonly capacity: number;
  readonly onDropped?: () => void;
}

export class BroadcastQueue {
  readonly #options: BroadcastQueueOptions;
  /** By how often they went out; within a tier the newest last. */
  #tiers: Broadcast[][] = [];
  readonly #byAbout = new Map<string, Broadcast>();
  #size = 0;

  constructor(options: BroadcastQueueOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#size;
  }

  /** `finished` is called once the message has gone out often enough, or another took its place. The queue keeps the bytes. */
  add(message: Uint8Array, about?: string, finished?: () => void): void {
    const known = about === undefined ? undefined : this.#byAbout.get(about);
    if (known !== undefined) {
      const tier = this.#tier(known.tier);
      tier.splice(tier.indexOf(known), 1);
      this.#end(known);
    }
    const broadcast = { message, about, finished, tier: 0 };
    if (about !== undefined) this.#byAbout.set(about, broadcast);
    this.#tier(0).push(broadcast);
    this.#size++;
    if (this.#size > this.#options.capacity) this.#dropOne();
  }

  /**
   * Takes messages that fit into `bytes` when each costs `overheadBytes` more, at most `count`. Each counts as sent `times` times: to
   * so many members.
   */
  take(bytes: number, overheadBytes: number, count: number, times: number = 1): Uint8Array[] {
    if (this.#size === 0) return [];
    const taken: Broadcast[] = [];
    let free = bytes;
    for (const tier of this.#tiers)
      for (let i = tier.length - 1; i >= 0 && taken.length < count && free > overheadBytes; i--) {
        const broadcast = tier[i] as Broadcast;
        const cost = broadcast.message.length + overheadBytes;
        if (cost > free) continue;
        free -= cost;
        taken.push(broadcast);
      }
    this.#count(taken, times);
    return taken.map(({ message }) => message);
  }

  /** Moves what was sent into a later tier, or out. */
  #count(sent: readonly Broadcast[], times: number): void {
    if (sent.length === 0) return;
    const { members, multiplier } = this.#options;
    const limit = multiplier * Math.ceil(Math.log10(members() + 1));
    const moved = new Set(sent);
    for (const tier of new Set(sent.map((broadcast) => broadcast.tier)))
      this.#tiers[tier] = this.#tier(tier).filter((broadcast) => !moved.has(broadcast));
    // They were taken newest first.
    for (const broadcast of sent.toReversed()) {
      broadcast.tier += times;
      if (broadcast.tier >= limit) this.#end(broadcast);
      else this.#tier(broadcast.tier).push(broadcast);
    }
    while (this.#tiers.at(-1)?.length === 0) this.#tiers.pop();
  }

  /** It is out of its tier. */
  #end(broadcast: Broadcast): void {
    this.#size--;
    if (broadcast.about !== undefined && this.#byAbout.get(broadcast.about) === broadcast)
      this.#byAbout.delete(broadcast.about);
    broadcast.finished?.();
  }

  #dropOne(): void {
    const last = this.#tiers.findLast((tier) => tier.length > 0);
    const broadcast = last?.shift();
    if (broadcast === undefined) return;
    this.#end(broadcast);
    this.#options.onDropped?.();
  }

  #tier(tier: number): Broadcast[] {
    while (this.#tiers.length <= tier) this.#tiers.push([]);
    return this.#tiers[tier] as Broadcast[];
  }
}
