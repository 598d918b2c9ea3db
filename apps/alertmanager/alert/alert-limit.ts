// How many alerts of one name there may be: new ones beyond are refused, until an old one is over.
import type { Alert } from "./alert.ts";
import { alertName } from "./alert.ts";

/** Ends of the alerts of one name by fingerprint, in milliseconds. */
type Bucket = Map<string, number>;

export class AlertLimit {
  readonly #limit: number;
  readonly #buckets = new Map<string, Bucket>();

  /** 0 or less: no limit. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Makes room for the alert, or tells that there is none. */
  admit(alert: Alert, nowMs: number): boolean {
    if (this.#limit <= 0) return true;
    const name = alertName(alert);
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) this.#buckets.set(name, (bucket = new Map()));
    if (!bucket.has(alert.fingerprint) && bucket.size >= this.#limit && !dropOne(bucket, nowMs)) return false;
    bucket.set(alert.fingerprint, alert.endsAt.ms);
    return true;
  }

  /** Forgets names all of whose alerts are over. */
  collect(nowMs: number): void {
    for (const [name, bucket] of this.#buckets)
      if ([...bucket.values()].every((end) => end < nowMs)) this.#buckets.delete(name);
  }
}

/** Drops the alert that was over first. */
function dropOne(bucket: Bucket, nowMs: number): boolean {
  let first: string | undefined;
  let firstEnd = nowMs;
  for (const [fingerprint, end] of bucket) if (end < firstEnd) [first, firstEnd] = [fingerprint, end];
  return first !== undefined && bucket.delete(first);
}
