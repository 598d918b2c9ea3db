// When a rule group is due: at its own place in each interval, the same after every restart.
import { Labels } from "@narthex/model";
import { labelsHash } from "@narthex/promql";

const NS_PER_MS = 1_000_000n;

/**
 * How far into each interval (counted from the epoch) the group of this file and name is evaluated, in milliseconds.
 * Source: the reference takes the hash of the label set `{file, name}` modulo the interval in nanoseconds, and cuts time
 * stamps of samples to milliseconds: so a series goes on in the same phase whichever server evaluates.
 */
export function slotOffset(file: string, name: string, intervalMs: number): number {
  const hash = labelsHash(Labels.fromUnsorted([["name", name] as const, ["file", file] as const]));
  return Number((hash % (BigInt(intervalMs) * NS_PER_MS)) / NS_PER_MS);
}

/** The newest slot that is not after `now`. */
export function slotBefore(now: number, intervalMs: number, offsetMs: number): number {
  return Math.floor((now - offsetMs) / intervalMs) * intervalMs + offsetMs;
}

/** The slot behind an evaluation at `slot` that was through at `now`, and how many are left out on the way. */
export function nextSlot(slot: number, now: number, intervalMs: number): { slot: number; missed: number } {
  // As with the reference's ticker, one tick waits for an evaluation that takes too long: only those behind it are missed.
  const missed = Math.max(0, Math.floor((now - slot) / intervalMs) - 1);
  return { slot: slot + (missed + 1) * intervalMs, missed };
}
