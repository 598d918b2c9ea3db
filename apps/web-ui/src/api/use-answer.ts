/** Requests tied to the life of a component. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { type Answer, ApiError, ask, type Parameters } from "./client.ts";

/** How a request is made: the server's own API unless another one is meant. Must stay the same while a component lives. */
export type Asker = typeof ask;

/** What a component knows of its request: the last good answer stays while a newer one is on its way. */
export interface Asked<T> {
  readonly answer: Answer<T> | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/**
 * Asks on mount, whenever path or parameters change, every `refreshMs` (0: never; not while the page is hidden), and on `reload()`.
 * A newer request calls off the older one. `path` null asks nothing.
 */
export function useAnswer<T>(
  path: string | null,
  parameters: Parameters = {},
  refreshMs = 0,
  asker: Asker = ask,
): Asked<T> {
  const [state, setState] = useState<Omit<Asked<T>, "reload">>({ answer: null, error: null, loading: path !== null });
  const [round, setRound] = useState(0);
  const key = JSON.stringify(parameters);
  const lastPath = useRef(path);

  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    const samePath = lastPath.current === path;
    lastPath.current = path;
    setState((old) => ({ answer: samePath ? old.answer : null, error: old.error, loading: true }));
    asker<T>(path, JSON.parse(key), { signal: abort.signal }).then(
      (answer) => setState({ answer, error: null, loading: false }),
      (error) => {
        if (abort.signal.aborted) return;
        setState((old) => ({ answer: old.answer, error: asApiError(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [path, key, round, asker]);

  useEffect(() => {
    if (refreshMs <= 0) return;
    const timer = setInterval(() => {
      if (document.visibilityState !== "hidden") setRound((n) => n + 1);
    }, refreshMs);
    return () => clearInterval(timer);
  }, [refreshMs]);

  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}

/** Any thrown thing as an ApiError; a programming error keeps its text. */
export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError("unreadable", String(error));
}
