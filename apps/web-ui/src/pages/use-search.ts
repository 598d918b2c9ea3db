/** A page's filters in the address: `?health=down&search=node`. */
import { navigate, place } from "../shell/router.ts";
import { useCell } from "../shell/signal.ts";

/** The address's parameters, and a function that changes some of them (empty takes one away) without a history entry. */
export function useSearch(route: string): [URLSearchParams, (change: Readonly<Record<string, string>>) => void] {
  const { search } = useCell(place);
  const current = new URLSearchParams(search);
  return [
    current,
    (change) => {
      for (const [name, value] of Object.entries(change)) {
        if (value === "") current.delete(name);
        else current.set(name, value);
      }
      navigate(route, current.toString(), true);
    },
  ];
}
