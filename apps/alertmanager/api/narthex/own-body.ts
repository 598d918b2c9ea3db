// Bodies of our own resources: JSON objects whose keys are checked one by one.
import { isValidLabelValue, Labels } from "@narthex/model";
import type { Exchange } from "../../web/exchange.ts";
import { ApiError } from "../v2/api-error.ts";

/** Ten years: what is longer is a mistake. */
const MAX_SECONDS = 10 * 365 * 24 * 3600;

export class OwnBody {
  readonly #object: Readonly<Record<string, unknown>>;

  /** Throws an `ApiError` for what is no object, or has keys besides those that are known. */
  constructor(exchange: Exchange, known: readonly string[]) {
    let value: unknown;
    try {
      value = JSON.parse(exchange.body);
    } catch (error) {
      throw ApiError.coded(400, 400, `the body is no JSON: ${(error as Error).message}`);
    }
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw ApiError.coded(400, 400, "the body must be a JSON object");
    const stranger = Object.keys(value).find((key) => !known.includes(key));
    if (stranger !== undefined)
      throw ApiError.coded(400, 400, `unknown key ${JSON.stringify(stranger)}; known are ${known.join(", ")}`);
    this.#object = value as Record<string, unknown>;
  }

  raw(key: string): unknown {
    return Object.hasOwn(this.#object, key) ? this.#object[key] : undefined;
  }

  /** "" for one that is not there. */
  text(key: string): string {
    const value = this.raw(key) ?? "";
    if (typeof value !== "string") throw ApiError.coded(400, 400, `${key} must be a text`);
    return value;
  }

  required(key: string): string {
    const text = this.text(key);
    if (text.trim() === "") throw ApiError.coded(400, 400, `${key} is required`);
    return text;
  }

  flag(key: string): boolean {
    const value = this.raw(key) ?? false;
    if (typeof value !== "boolean") throw ApiError.coded(400, 400, `${key} must be true or false`);
    return value;
  }

  /** In seconds, more than 0 and at most ten years. */
  seconds(key: string, fallback: number): number {
    const value = this.raw(key) ?? fallback;
    if (typeof value !== "number" || !(value > 0) || value > MAX_SECONDS)
      throw ApiError.coded(400, 400, `${key} must be a number of seconds above 0, and at most ${MAX_SECONDS}`);
    return value;
  }

  /** Empty for none. */
  labels(key: string): Labels {
    const value = this.raw(key) ?? {};
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw ApiError.coded(400, 400, `${key} must be an object of texts`);
    const entries = Object.entries(value);
    for (const [name, text] of entries)
      if (name === "" || typeof text !== "string" || !isValidLabelValue(text))
        throw ApiError.coded(400, 400, `${key}: ${JSON.stringify(name)} must have a text as its value`);
    return Labels.fromObject(Object.fromEntries(entries.filter(([, text]) => text !== "")) as Record<string, string>);
  }
}
