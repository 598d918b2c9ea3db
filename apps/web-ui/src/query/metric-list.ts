/** The names of all metrics, asked for once and again when older than a minute. */
import { ask } from "../api/client.ts";

/** Names the page keeps at most; a server with more still answers queries about the rest. */
const NAME_LIMIT = 200_000;
const KEEP_MS = 60_000;

let kept: Promise<readonly string[]> | null = null;
let keptAt = 0;

/** All metric names, sorted. Throws ApiError; a failure is not kept. */
export function metricNames(): Promise<readonly string[]> {
  if (!kept || Date.now() - keptAt > KEEP_MS) {
    keptAt = Date.now();
    const asked = ask<string[] | undefined>("label/__name__/values").then(({ data }) =>
      (data ?? []).slice(0, NAME_LIMIT),
    );
    kept = asked;
    asked.catch(() => {
      if (kept === asked) kept = null;
    });
  }
  return kept;
}
