// Labels that every request has, from closed sets.

/** How methods are written. */
export type MethodCase = "upper" | "lower";

/** What stands for the route of a request that no route matched. */
export const UNKNOWN_ROUTE = "__unknown__";

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
  "TRACE",
  "CONNECT",
]);

/** The method, or "OTHER" for one that is not in HTTP itself. */
export function methodLabel(method: string | undefined, methodCase: MethodCase): string {
  const upper = (method ?? "GET").toUpperCase();
  const known = METHODS.has(upper) ? upper : "OTHER";
  return methodCase === "lower" ? known.toLowerCase() : known;
}

/** `200`, or `2xx` when grouped (or given so); "unknown" for what is no status. */
export function statusLabel(status: number | string, grouped: boolean): string {
  const text = String(status);
  if (!/^[1-5](?:[0-9][0-9]|xx)$/.test(text)) return "unknown";
  return grouped ? `${text[0]}xx` : text;
}

/** A client that went away before its answer, in the web server nginx's number for it. */
export const STATUS_ABORTED = 499;

/** What an application's function says of a request; `fallback` where it throws, since a label must not break an answer. */
export function labelOr<Value>(read: () => Value, fallback: Value): Value {
  try {
    return read();
  } catch {
    return fallback;
  }
}
