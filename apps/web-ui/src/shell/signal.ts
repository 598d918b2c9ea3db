/** A value that components watch. */
import { useEffect, useState } from "preact/hooks";

/** A watched value: `set` tells every subscriber, unless nothing changed. */
export interface Cell<T> {
  get(): T;
  set(value: T): void;
  subscribe(listener: () => void): () => void;
}

/** A cell that holds `value` first. */
export function cell<T>(value: T): Cell<T> {
  const listeners = new Set<() => void>();
  let current = value;
  return {
    get: () => current,
    set(next) {
      if (Object.is(next, current)) return;
      current = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The cell's value; the component renders again when it changes. */
export function useCell<T>(source: Cell<T>): T {
  const [, redraw] = useState({});
  const drawn = source.get();
  useEffect(() => {
    // A change between rendering and subscribing must not be lost.
    if (!Object.is(source.get(), drawn)) redraw({});
    return source.subscribe(() => redraw({}));
  }, [source]);
  return drawn;
}
