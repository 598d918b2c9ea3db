// What the reference has no API for, below `/api/v2/narthex`.
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext } from "../v2/api-context.ts";

/** Returns false for a path that is none. */
export function answerOwn(exchange: Exchange, path: string, context: ApiContext): boolean {
  if (path !== "/notifications" || exchange.method !== "GET") return false;
  exchange.json(200, `${JSON.stringify(context.records.list({ limit: 100 }))}\n`);
  return true;
}
