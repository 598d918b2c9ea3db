/** The address bar as a watched value. */
import { routeOf } from "./path-prefix.ts";
import { PATH_PREFIX } from "./server-facts.ts";
import { type Cell, cell } from "./signal.ts";

/** Route within the prefix and the query string with its `?` (empty without). */
export interface Place {
  readonly route: string;
  readonly search: string;
}

/** Where the browser is. */
export const place: Cell<Place> = cell(read());

/** The address of `route` below the prefix, with an optional query string without `?`. */
export function href(route: string, search = ""): string {
  return `${PATH_PREFIX}/${route}${search ? `?${search}` : ""}`;
}

/** Goes to `route`; `replace` leaves no entry in the browser's history. Going where one is already adds none either. */
export function navigate(route: string, search = "", replace = false): void {
  const target = href(route, search);
  if (target === location.pathname + location.search) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  place.set(read());
}

/** Follows the browser's back and forward buttons, and turns plain clicks on own links into navigation without reload. */
export function startRouter(): void {
  addEventListener("popstate", () => place.set(read()));
  addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    )
      return;
    const link = (event.target as Element | null)?.closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin || link.hash) return;
    if (link.dataset["route"] === undefined) return;
    event.preventDefault();
    if (link.href === location.href) return;
    history.pushState(null, "", link.href);
    place.set(read());
    scrollTo(0, 0);
  });
}

function read(): Place {
  return { route: routeOf(location.pathname, PATH_PREFIX), search: location.search };
}
