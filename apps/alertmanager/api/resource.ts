// One resource of the API: a path, and what answers each method of it.
import type { Exchange } from "../web/exchange.ts";
import type { ApiContext } from "./v2/api-context.ts";
import { ApiError } from "./v2/api-error.ts";

/** `parameter` is the path's variable part, decoded; "" for a path without one. Throws an `ApiError` for what it refuses. */
export type Handler = (exchange: Exchange, context: ApiContext, parameter: string) => void | Promise<void>;

export class Resource {
  /** Below the API's root. Its variable part, at most one, is a whole segment in braces: `/silence/{silenceID}`. */
  readonly path: string;
  /** By method. Where there are several, in the order in which the reference lists them. */
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly #pattern: RegExp;

  constructor(path: string, handlers: Readonly<Record<string, Handler>>) {
    this.path = path;
    this.handlers = new Map(Object.entries(handlers));
    this.#pattern = new RegExp(`^${path.replace(/\{\w+\}/, "([^/]+)")}$`);
  }

  /** What stands in the variable part of a path, still encoded, "" where there is none; undefined for the path of another. */
  parameterIn(path: string): string | undefined {
    const match = this.#pattern.exec(path);
    return match === null ? undefined : (match[1] ?? "");
  }
}

/** Throws an `ApiError` for what is not encoded properly. */
export function decodedParameter(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw ApiError.coded(400, 400, `${JSON.stringify(text)} in the path is not encoded properly`);
  }
}
