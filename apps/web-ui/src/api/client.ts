/** Asking the server: one function, one kind of error. */
import { PATH_PREFIX } from "../shell/server-facts.ts";

/** Why a request brought nothing. `starting`: the server is up, but not ready yet. `status` is 0 without an answer. */
export class ApiError extends Error {
  readonly kind: "network" | "answer" | "unreadable" | "starting";
  readonly status: number;
  readonly errorType: string;

  constructor(kind: ApiError["kind"], message: string, status = 0, errorType = "") {
    super(message);
    this.kind = kind;
    this.status = status;
    this.errorType = errorType;
  }
}

/** A good answer with what the server had to say about it and what it cost. */
export interface Answer<T> {
  readonly data: T;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** From sending the request to having read the answer. */
  readonly loadMs: number;
}

/** Parameters by name; a list repeats the name, undefined leaves it out. */
export type Parameters = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** How to ask: `form` posts the parameters, which may then be longer than an address can be. */
export interface AskOptions {
  readonly signal?: AbortSignal | undefined;
  readonly form?: boolean;
}

/**
 * Asks `/api/v1/PATH`. Throws ApiError for every refusal, and the signal's AbortError when called off.
 * The address stays on this host: it is built from the page's own prefix.
 */
export async function ask<T>(path: string, parameters: Parameters = {}, options: AskOptions = {}): Promise<Answer<T>> {
  const search = encode(parameters);
  const url = `${PATH_PREFIX}/api/v1/${path}`;
  const started = performance.now();
  let response: Response;
  let text: string;
  try {
    response = await fetch(options.form ? url : search ? `${url}?${search}` : url, {
      method: options.form ? "POST" : "GET",
      ...(options.form ? { body: search, headers: { "content-type": "application/x-www-form-urlencoded" } } : {}),
      signal: options.signal ?? null,
      credentials: "same-origin",
    });
    text = await response.text();
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError("network", "Network error or unable to reach the server");
  }
  if (response.status === 204)
    return { data: undefined as T, warnings: [], infos: [], loadMs: performance.now() - started };
  let body: { status?: string; data?: T; error?: string; errorType?: string; warnings?: string[]; infos?: string[] };
  try {
    body = JSON.parse(text);
  } catch {
    if (response.status === 503) throw new ApiError("starting", "The server is not ready yet", 503);
    if (response.ok) throw new ApiError("unreadable", "Invalid JSON response", response.status);
    const first = text.trim().split("\n", 1)[0]!.slice(0, 200);
    throw new ApiError(
      "answer",
      `The server answered ${response.status} ${response.statusText}${first ? `: ${first}` : ""}`,
      response.status,
    );
  }
  if (body?.status !== "success") {
    throw new ApiError(
      "answer",
      body?.error ?? 'missing "error" field in the answer',
      response.status,
      body?.errorType ?? "",
    );
  }
  return {
    data: body.data as T,
    warnings: body.warnings ?? [],
    infos: body.infos ?? [],
    loadMs: performance.now() - started,
  };
}

function encode(parameters: Parameters): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (typeof value === "object") for (const one of value) search.append(name, one);
    else search.append(name, String(value));
  }
  return search.toString();
}
