// From a path to what is registered for it. Sixty routes, nearly all of them fixed: a map and a short list.

/** A registered path that fits, with the decoded parts that it names. */
export interface Found<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

interface Pattern<T> {
  readonly segments: readonly string[];
  readonly value: T;
}

/**
 * Paths of three kinds: fixed ones, ones with `:name` segments (one segment each, not empty), and ones ending in `/*`
 * (whatever follows, as parameter `*`). Fixed ones win, then those with names, then the longest `/*`.
 */
export class Router<T> {
  readonly #fixed = new Map<string, T>();
  readonly #named: Pattern<T>[] = [];
  readonly #open: { readonly prefix: string; readonly value: T }[] = [];

  add(path: string, value: T): void {
    if (path.endsWith("/*")) {
      this.#open.push({ prefix: path.slice(0, -1), value });
      this.#open.sort((a, b) => b.prefix.length - a.prefix.length);
    } else if (path.includes(":")) this.#named.push({ segments: path.split("/"), value });
    else this.#fixed.set(path, value);
  }

  /** Finds what fits `path`, which is still percent-encoded. Throws a `URIError` for a part that encodes no UTF-8. */
  find(path: string): Found<T> | undefined {
    const fixed = this.#fixed.get(path);
    if (fixed !== undefined) return { value: fixed, params: {} };
    const segments = path.split("/");
    for (const pattern of this.#named) {
      const params = matched(pattern.segments, segments);
      if (params !== undefined) return { value: pattern.value, params };
    }
    for (const { prefix, value } of this.#open) {
      if (path.startsWith(prefix)) return { value, params: { "*": decodeURIComponent(path.slice(prefix.length)) } };
    }
    return undefined;
  }
}

function matched(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  for (let i = 0; i < pattern.length; i++) {
    const wanted = pattern[i] as string;
    if (wanted.startsWith(":") ? segments[i] === "" : wanted !== segments[i]) return undefined;
  }
  const params: Record<string, string> = {};
  pattern.forEach((wanted, i) => {
    if (wanted.startsWith(":")) params[wanted.slice(1)] = decodeURIComponent(segments[i] as string);
  });
  return params;
}
