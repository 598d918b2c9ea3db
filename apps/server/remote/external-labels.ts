// External labels on what leaves the server: added where a series has none of that name.
import { compareStrings } from "@narthex/model";

/** Merges sorted pairs (name, value, name, value); where both have a name, `own` wins. Returns `own` if nothing is added. */
export function withExternalLabels(own: readonly string[], external: readonly string[]): readonly string[] {
  if (external.length === 0) return own;
  const merged: string[] = [];
  let i = 0;
  for (let j = 0; j < external.length; j += 2) {
    const name = external[j] as string;
    while (i < own.length && compareStrings(own[i] as string, name) < 0) {
      merged.push(own[i] as string, own[i + 1] as string);
      i += 2;
    }
    if (own[i] !== name) merged.push(name, external[j + 1] as string);
  }
  for (; i < own.length; i++) merged.push(own[i] as string);
  return merged;
}
