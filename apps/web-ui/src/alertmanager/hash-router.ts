/** Places of this page: all behind the `#`, as links in notifications have them (`#/alerts?filter=…`). */
import { type Cell, cell, useCell } from "../shell/signal.ts";

/** Parts of the path (`["silences", "new"]`), and what stands behind its `?`. */
export interface HashPlace {
  readonly parts: readonly string[];
  readonly search: string;
}

/** Where the browser is. */
export const hashPlace: Cell<HashPlace> = cell(placeOf(location.hash));

/** Reads `#/silences/new?filter=…`. */
export function placeOf(hash: string): HashPlace {
  const text = hash.replace(/^#?\/?/, "");
  const mark = text.indexOf("?");
  const path = mark < 0 ? text : text.slice(0, mark);
  return { parts: path.split("/").filter(Boolean).map(decode), search: mark < 0 ? "" : text.slice(mark + 1) };
}

/** The link to a place. Empty parameters are left out. */
export function hashHref(path: string, parameters: Readonly<Record<string, string>> = {}): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== "");
  const search = new URLSearchParams(given).toString();
  return `#/${path}${search === "" ? "" : `?${search}`}`;
}

/** Goes to a place; `replace` leaves no entry in the browser's history. */
export function goTo(target: string, replace = false): void {
  if (target === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  hashPlace.set(placeOf(target));
}

/** Follows links, and back and forward. */
export function startHashRouter(): void {
  const read = (): void => hashPlace.set(placeOf(location.hash));
  addEventListener("hashchange", read);
  addEventListener("popstate", read);
}

/** The place's parameters, and a way to change some of them (empty takes one away) without an entry in the history. */
export function useHashSearch(): [URLSearchParams, (change: Readonly<Record<string, string>>) => void] {
  const { parts, search } = useCell(hashPlace);
  return [
    new URLSearchParams(search),
    (change) => {
      const merged = { ...Object.fromEntries(new URLSearchParams(search)), ...change };
      goTo(hashHref(parts.map(encodeURIComponent).join("/"), merged), true);
    },
  ];
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
