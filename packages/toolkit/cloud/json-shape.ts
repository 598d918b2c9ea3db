// Reading JSON that others wrote: a value has the type it should have, is absent, or the answer is refused.
//
// As in the reference, `null` and absent stand for the empty value of the wanted type; a wrong type is an error.

/** An object of unknown content. */
export type JsonObject = Readonly<Record<string, unknown>>;

const NOTHING: JsonObject = Object.freeze(Object.create(null) as Record<string, unknown>);
const NO_ITEMS: readonly unknown[] = Object.freeze([]);

/** An answer does not have the shape it should have; the message says where. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

/** An object; empty for null. */
export function objectOf(value: unknown, place: string): JsonObject {
  if (value === null || value === undefined) return NOTHING;
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(value, place, "an object");
  return value as JsonObject;
}

/** An object, or undefined for null. */
export function optionalObjectOf(value: unknown, place: string): JsonObject | undefined {
  return value === null || value === undefined ? undefined : objectOf(value, place);
}

/** A list; empty for null. */
export function listOf(value: unknown, place: string): readonly unknown[] {
  if (value === null || value === undefined) return NO_ITEMS;
  if (!Array.isArray(value)) throw wrong(value, place, "a list");
  return value;
}

/** A list of objects. */
export function objectsOf(value: unknown, place: string): readonly JsonObject[] {
  return listOf(value, place).map((item) => objectOf(item, place));
}

/** A list of texts. */
export function textsOf(value: unknown, place: string): readonly string[] {
  return listOf(value, place).map((item) => textOf(item, place));
}

/** A text; "" for null. */
export function textOf(value: unknown, place: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") throw wrong(value, place, "a string");
  return value;
}

/** A text, or undefined for null. */
export function optionalTextOf(value: unknown, place: string): string | undefined {
  return value === null || value === undefined ? undefined : textOf(value, place);
}

/** A whole number that JavaScript holds exactly; 0 for null. */
export function integerOf(value: unknown, place: string): number {
  if (value === null || value === undefined) return 0;
  if (!Number.isSafeInteger(value)) throw wrong(value, place, "an integer");
  return value as number;
}

/** False for null. */
export function flagOf(value: unknown, place: string): boolean {
  if (value === null || value === undefined) return false;
  if (typeof value !== "boolean") throw wrong(value, place, "a boolean");
  return value;
}

/** A flag, or undefined for null. */
export function optionalFlagOf(value: unknown, place: string): boolean | undefined {
  return value === null || value === undefined ? undefined : flagOf(value, place);
}

/** Names and texts, as pairs in the order of the answer. */
export function textPairsOf(value: unknown, place: string): readonly (readonly [string, string])[] {
  const object = objectOf(value, place);
  return Object.keys(object).map((key) => [key, textOf(object[key], place)] as const);
}

function wrong(value: unknown, place: string, wanted: string): ShapeError {
  const kind = Array.isArray(value) ? "list" : value === null ? "null" : typeof value;
  return new ShapeError(`unexpected ${kind} in ${place}, expected ${wanted}`);
}
