// One notification on its way: what the pipeline hands from stage to stage, and at last to an integration.
import { createHash } from "node:crypto";
import type { Labels } from "@narthex/model";
import type { Span } from "@narthex/tracing";
import type { Alert } from "../alert/alert.ts";
import type { LabelMatcher } from "../matcher/matcher.ts";
import type { NotifyReason } from "./reason.ts";

/** One flush of one group. */
export interface Flush {
  readonly receiver: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** Rendered. */
  readonly routeLabels: ReadonlyMap<string, string>;
  readonly routeId: string;
  /** The route's own. */
  readonly matchers: readonly LabelMatcher[];
  /** Another one each time that the group is made. */
  readonly groupUuid: string;
  /** Which flush of the group this is, from 1. */
  readonly flushId: number;
  /** Hashes of alerts that were in the group and are not told of, because they are silenced or inhibited. */
  readonly mutedHashes: readonly bigint[];
  /** Milliseconds since the epoch: when the group's timer rang. */
  readonly nowMs: number;
  readonly repeatIntervalMs: number;
  readonly muteTimeIntervals: readonly string[];
  readonly activeTimeIntervals: readonly string[];
  /** Aborts at the next flush at the latest; the reason is `DEADLINE` then. */
  readonly signal: AbortSignal;
  /** Of which the work is a part, where it is traced. */
  readonly span?: Span | undefined;
}

/** Why a flush's signal has aborted when its time is up. */
export const DEADLINE = "context deadline exceeded";
/** The same when the group or the process ends. */
export const CANCELED = "context canceled";

/** What an integration remembers from one notification of a group to the next. */
export type DeliveryData = Map<string, string | number | bigint>;

/** A flush for one integration. */
export interface Delivery extends Flush {
  readonly reason: NotifyReason;
  readonly data: DeliveryData;
}

/** What the other side said. */
export interface Answer {
  /** Of HTTP, or 0. */
  readonly status: number;
  /** Cut off where it is long. */
  readonly text: string;
}

/** One integration's way to tell somebody. */
export interface Notifier {
  /** Resolves when the other side has taken it. Rejects with a `NotifyError`, which says whether to try again. */
  notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer>;
  close?(): void;
}

/** Group keys where a service wants something short: SHA-256, hex. */
export function keyHash(groupKey: string): string {
  return createHash("sha256").update(groupKey).digest("hex");
}
