// How labels are typed: a missing label and one that the metric does not have are errors of the compiler.

/** Numbers and truth values are written as JavaScript writes them. */
export type LabelValue = string | number | boolean;

declare const valuesByName: unique symbol;

/** Label names that know which values each of them takes; made by `labelSchema`. */
export interface LabelSchema<Values> extends ReadonlyArray<string> {
  readonly [valuesByName]?: Values;
}

/** One value for each label name, by name. A metric without labels takes none. */
export type LabelRecord<Names extends readonly string[]> =
  Names extends LabelSchema<infer Values> ? (unknown extends Values ? NamedRecord<Names> : Values) : NamedRecord<Names>;

type NamedRecord<Names extends readonly string[]> = Names extends readonly []
  ? { readonly [name: string]: never }
  : { readonly [Name in Names[number]]: LabelValue };

/** One value for each label name, by position; not for a schema, whose types go by name. */
export type LabelTuple<Names extends readonly string[]> = { readonly [I in keyof Names]: LabelValue };

/** Arguments that begin with labels exactly where the metric has some; where that is not known, both are fine. */
export type WithLabels<Names extends readonly string[], Rest extends readonly unknown[]> = Names extends readonly []
  ? Rest
  : IsUnknown<Names> extends true
    ? [labels: LabelRecord<Names>, ...rest: Rest] | Rest
    : [labels: LabelRecord<Names>, ...rest: Rest];

/** Whether names are some strings that the compiler does not know. */
type IsUnknown<Names extends readonly string[]> =
  Names extends LabelSchema<infer Values>
    ? unknown extends Values
      ? number extends Names["length"]
        ? true
        : false
      : false
    : false;

/** What a label of a schema may hold: a list of its values, or any of one type. */
export type LabelKind = readonly LabelValue[] | typeof String | typeof Number | typeof Boolean;

type ValueOf<Kind> = Kind extends readonly (infer Value)[]
  ? Value
  : Kind extends typeof String
    ? string
    : Kind extends typeof Number
      ? number
      : boolean;

/**
 * Label names with the types of their values: `labelNames: labelSchema({ method: ["GET", "POST"], code: Number })`.
 * Only the compiler holds callers to the values; at run time it is the list of names.
 */
export function labelSchema<const Kinds extends Readonly<Record<string, LabelKind>>>(
  kinds: Kinds,
): LabelSchema<{ readonly [Name in keyof Kinds]: ValueOf<Kinds[Name]> }> {
  return Object.keys(kinds);
}
