/** Where the page lives below its host. */

/** Client-side routes, each one path segment below the prefix. The server answers all of them with `index.html`. */
export const ROUTES = [
  "query",
  "targets",
  "service-discovery",
  "alerts",
  "rules",
  "status",
  "tsdb-status",
  "flags",
  "config",
  "alertmanager-discovery",
  "graph",
  "agent",
] as const;

/** The prefix without a trailing slash (`""`, `/narthex`), read off a path by taking its known last segment away. */
export function prefixOf(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  const slash = trimmed.lastIndexOf("/");
  const last = trimmed.slice(slash + 1);
  return (ROUTES as readonly string[]).includes(last) ? trimmed.slice(0, slash) : trimmed;
}

/** The route within the prefix, without slashes: `query`, `""` for the root, `a/b` for paths unknown to the page. */
export function routeOf(path: string, prefix: string): string {
  const below = path.startsWith(prefix) ? path.slice(prefix.length) : path;
  return below.replace(/^\/+|\/+$/g, "");
}
