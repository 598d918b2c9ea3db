// Whether a group has anything new to say to an integration.
import { type Alert, isResolvedAt } from "../alert/alert.ts";
import { hashOf } from "../label/fingerprint.ts";
import { Moment } from "../moment/moment.ts";
import type { LogEntry } from "../nflog/entry.ts";
import type { NotifyReason } from "./reason.ts";

/** Hashes of a group's alerts by what they are now. */
export interface AlertHashes {
  readonly firing: readonly bigint[];
  readonly resolved: readonly bigint[];
}

export function alertHashes(alerts: readonly Alert[], now: Moment): AlertHashes {
  const firing: bigint[] = [];
  const resolved: bigint[] = [];
  for (const alert of alerts) (isResolvedAt(alert, now) ? resolved : firing).push(hashOf(alert.labels));
  return { firing, resolved };
}

/**
 * Compares with the last notification. That everything is over passes even where resolved alerts are not told, so that the log
 * no longer holds them as firing. Source: the reference's deduplication stage.
 */
export function notifyReason(
  last: LogEntry | undefined,
  { firing, resolved }: AlertHashes,
  options: { readonly sendsResolved: boolean; readonly repeatIntervalMs: number; readonly nowMs: number },
): NotifyReason {
  if (last === undefined) return firing.length > 0 ? "first notification" : "none";
  if (!isSubset(firing, last.firing)) return last.firing.length === 0 ? "first notification" : "new alerts added";
  if (firing.length === 0) return last.firing.length > 0 ? "all alerts resolved" : "none";
  if (options.sendsResolved && !isSubset(resolved, last.resolved)) return "some alerts resolved";
  const due = Moment.fromMs(options.nowMs - options.repeatIntervalMs);
  return last.timestamp.isBefore(due) ? "repeat interval elapsed" : "none";
}

function isSubset(part: readonly bigint[], whole: readonly bigint[]): boolean {
  const known = new Set(whole);
  return part.every((hash) => known.has(hash));
}
