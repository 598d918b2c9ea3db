// From an OpenTelemetry attribute's key to a label name.
import { quote } from "@narthex/model";

/** The switches of the configuration's `otlp` section. */
export interface LabelNameOptions {
  readonly allowsUtf8: boolean;
  /** Whether names that begin with one underscore get `key` in front. */
  readonly guardsUnderscore: boolean;
  /** Whether runs of underscores stay as they are. */
  readonly keepsUnderscores: boolean;
}

/** Either the name, or why there is none. */
export type LabelNameResult = { readonly name: string } | { readonly fault: string };

export function labelName(key: string, options: LabelNameOptions): LabelNameResult {
  if (key === "") return { fault: "label name is empty" };
  if (options.allowsUtf8) {
    return /^_+$/.test(key) ? { fault: `label name ${quote(key)} contains only underscores` } : { name: key };
  }
  let name = options.keepsUnderscores ? key.replace(/[^a-zA-Z0-9]/gu, "_") : collapsed(key);
  if (/^[0-9]/.test(name)) name = `key_${name}`;
  else if (options.guardsUnderscore && /^_(?!_)/.test(name)) name = `key${name}`;
  if (/^_*$/.test(name)) {
    return { fault: `normalization for label name ${quote(key)} resulted in invalid name ${quote(name)}` };
  }
  return { name };
}

/** Runs of anything but letters and digits become one underscore; those around a reserved name stay two. */
function collapsed(key: string): string {
  const inner = /^__(.*)__$/su.exec(key)?.[1];
  if (inner === undefined) return key.replace(/[^a-zA-Z0-9]+/gu, "_");
  return `__${inner.replace(/[^a-zA-Z0-9]+/gu, "_")}__`;
}
