/** A silence while it is being filled in: start, end and duration, of which two say the third. */
import { formatDuration, parseDuration } from "../format/duration.ts";
import { formatTime, parseTime } from "../format/time.ts";

export interface Span {
  /** Texts as they stand in the fields; a wrong one stays as it is. */
  readonly start: string;
  readonly end: string;
  readonly duration: string;
}

/** From `startMs` on for so long. A duration that cannot be read is two hours. */
export function spanFrom(startMs: number, duration: string, local: boolean): Span {
  const ms = parseDuration(duration) ?? 7_200_000;
  return {
    start: formatTime(whole(startMs), local),
    end: formatTime(whole(startMs + ms), local),
    duration: formatDuration(ms),
  };
}

/** The span between two times. */
export function spanBetween(startMs: number, endMs: number, local: boolean): Span {
  return {
    start: formatTime(whole(startMs), local),
    end: formatTime(whole(endMs), local),
    duration: formatDuration(Math.max(0, whole(endMs) - whole(startMs))),
  };
}

/** What the fields say after one was changed: a new start or duration moves the end, a new end changes the duration. */
export function changeSpan(span: Span, field: keyof Span, text: string, local: boolean): Span {
  const changed = { ...span, [field]: text };
  const start = parseTime(changed.start, local);
  if (start === null) return changed;
  if (field === "end") {
    const end = parseTime(text, local);
    return end === null || end <= start ? changed : { ...changed, duration: formatDuration(end - start) };
  }
  const duration = parseDuration(changed.duration);
  return duration === null ? changed : { ...changed, end: formatTime(start + duration, local) };
}

/** Both times in milliseconds, or what is wrong with them. */
export function readSpan({ start, end }: Span, local: boolean): { startMs: number; endMs: number } | string {
  const [startMs, endMs] = [parseTime(start, local), parseTime(end, local)];
  if (startMs === null) return "The start must be a time such as 2026-11-21 14:00";
  if (endMs === null) return "The end must be a time such as 2026-11-21 16:00";
  if (endMs <= startMs) return "The end must come after the start";
  return { startMs, endMs };
}

function whole(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
