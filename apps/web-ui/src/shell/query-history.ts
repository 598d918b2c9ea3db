/** Queries that were run in this browser, newest first. */
import { recall, store } from "./settings.ts";

const KEY = "queryPage.queryHistory";
const LIMIT = 50;

/** At most fifty queries, newest first. */
export function queryHistory(): readonly string[] {
  const stored = recall<unknown>(KEY, []);
  return Array.isArray(stored) ? stored.filter((entry) => typeof entry === "string").slice(0, LIMIT) : [];
}

/** Puts `expr` on top. Plain metric names are left out: completion knows them anyway. */
export function rememberQuery(expr: string): void {
  const trimmed = expr.trim();
  if (trimmed === "" || trimmed.length > 10_000 || /^[A-Za-z_:][A-Za-z0-9_:]*$/.test(trimmed)) return;
  store(KEY, [trimmed, ...queryHistory().filter((entry) => entry !== trimmed)].slice(0, LIMIT));
}

/** Forgets all of them. */
export function clearQueryHistory(): void {
  store(KEY, []);
}
