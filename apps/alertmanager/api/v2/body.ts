// From a request's JSON to values of the right types, refused in the reference's words where they are not.
import type { Moment } from "../../moment/moment.ts";
import { parseApiTime } from "../../moment/parse.ts";
import { ApiError } from "./api-error.ts";
import { type Json, JsonSyntaxError, scanJson } from "./json-scanner.ts";

/** Reads a body's value. `name` is what the interface calls it. Throws an `ApiError` for none, and for what is no JSON. */
export function readBodyValue(text: string, name: string): Json {
  let value: Json | undefined;
  try {
    value = scanJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw parseFailure(name, error.message);
  }
  if (value === undefined) throw ApiError.required(name);
  return value;
}

export function parseFailure(name: string, reason: string): ApiError {
  return ApiError.coded(400, 400, `parsing ${name} body from "" failed, because ${reason}`);
}

/** What Go calls the kind of a value. */
function kindOf(value: Json): string {
  if (value instanceof Map) return "object";
  if (Array.isArray(value)) return "array";
  return typeof value === "boolean" ? "bool" : typeof value;
}

/** A value at a place of a body that reports what does not fit. */
export class Fields {
  readonly #body: string;
  readonly #entries: ReadonlyMap<string, Json>;
  readonly #path: string;

  /** `path` is what messages put in front of a field's name. Throws an `ApiError` for what is no object. */
  constructor(value: Json, body: string, path: string, type: string) {
    this.#body = body;
    this.#path = path;
    if (value === null) this.#entries = new Map();
    else if (value instanceof Map) this.#entries = value;
    else throw mismatch(body, value, `Go value of type ${type}`);
  }

  /** The last field of this name in any case, as Go finds it; undefined for none and for null. */
  #find(name: string): Json | undefined {
    const exact = this.#entries.get(name);
    const found = exact ?? [...this.#entries].findLast(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    return found === null ? undefined : found;
  }

  text(name: string): string | undefined {
    return this.#typed(name, (value) => typeof value === "string", "string");
  }

  bool(name: string): boolean | undefined {
    return this.#typed(name, (value) => typeof value === "boolean", "bool");
  }

  list(name: string, type: string): readonly Json[] | undefined {
    return this.#typed(name, (value) => Array.isArray(value), type);
  }

  /** Values that are null read as "". */
  texts(name: string): ReadonlyMap<string, string> | undefined {
    const found = this.#typed<ReadonlyMap<string, Json>>(name, (value) => value instanceof Map, "models.LabelSet");
    if (found === undefined) return undefined;
    const texts = new Map<string, string>();
    for (const [key, value] of found) {
      if (value !== null && typeof value !== "string")
        throw mismatch(this.#body, value, `Go struct field ${this.#path}.${name}.${key} of type string`);
      texts.set(key, value ?? "");
    }
    return texts;
  }

  /** Types that read themselves do not know which field they are. */
  time(name: string): Moment | undefined {
    const text = this.plainText(name);
    if (text === undefined) return undefined;
    try {
      return parseApiTime(text);
    } catch (error) {
      throw parseFailure(this.#body, (error as Error).message);
    }
  }

  plainText(name: string): string | undefined {
    const value = this.#find(name);
    if (value === undefined || typeof value === "string") return value;
    throw mismatch(this.#body, value, "Go value of type string");
  }

  #typed<T extends Json>(name: string, fits: (value: Json) => boolean, type: string): T | undefined {
    const value = this.#find(name);
    if (value === undefined) return undefined;
    if (!fits(value)) throw mismatch(this.#body, value, `Go struct field ${this.#path}.${name} of type ${type}`);
    return value as T;
  }
}

export function mismatch(body: string, value: Json, into: string): ApiError {
  return parseFailure(body, `json: cannot unmarshal ${kindOf(value)} into ${into}`);
}
