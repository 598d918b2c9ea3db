// Declaring the keys of a mapping by the properties that take their values: `apiUrl` is read from `api_url`.
import { type Codec, type Field, field } from "@narthex/toolkit";

/** `api_url` for `apiUrl`. */
export type Snake<T extends string> = T extends `${infer Head}${infer Rest}`
  ? `${Head extends Lowercase<Head> ? Head : `_${Lowercase<Head>}`}${Snake<Rest>}`
  : T;

/** How one key is read, what it is when it is not there, and whether it is written even then. */
export interface KeySpec {
  // biome-ignore lint/suspicious/noExplicitAny: values of all types stand in one table
  readonly codec: Codec<any>;
  readonly initial?: unknown;
  readonly keep?: boolean;
}

// biome-ignore lint/suspicious/noExplicitAny: see above
type Spec = Codec<any> | KeySpec;

/** The fields for all properties of `S`, in the order of the table; `without` are those that are no keys. */
export function keysOf<S extends object, Without extends keyof S = never>(
  table: {
    readonly [K in Snake<Exclude<keyof S, Without> & string>]: Spec;
  },
): Field[] {
  return Object.entries(table as Readonly<Record<string, Spec>>).map(([key, spec]) => {
    const name = key.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
    const { codec, initial, keep } = "codec" in spec ? spec : { codec: spec, initial: undefined, keep: false };
    return field<Record<string, unknown>>(key, name, codec, {
      ...(initial === undefined ? {} : { initial: () => initial }),
      ...(keep === true ? { keep } : {}),
    });
  });
}

/** A key with a default. */
export function preset<T>(codec: Codec<T>, initial: T, keep: boolean = false): KeySpec {
  return { codec, initial, keep };
}

/** A key that is written even when it has no value. */
export function kept<T>(codec: Codec<T>): KeySpec {
  return { codec, keep: true };
}
