// Requests that nobody wants counted.

/** Scrapes and health checks: they come every few seconds, and tell nothing of users. */
export const USUAL_IGNORED: readonly string[] = [
  "/metrics",
  "/health",
  "/healthz",
  "/ready",
  "/readyz",
  "/livez",
  "/ping",
  "/-/healthy",
  "/-/ready",
];

/** Whether a path, without its query, is one of these or matches one. */
export function isIgnored(path: string, ignored: readonly (string | RegExp)[]): boolean {
  return ignored.some((each) => {
    if (typeof each === "string") return each === path;
    // An expression with flag g or y goes on where it ended.
    each.lastIndex = 0;
    return each.test(path);
  });
}

/** The path of a URL as a request carries it: without its query, and without scheme and host. */
export function pathOf(url: string | undefined): string {
  const text = url ?? "/";
  const from = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(text)?.[0].length ?? 0;
  const path = text.slice(from).split(/[?#]/, 1)[0] ?? "";
  return path === "" ? "/" : path;
}
