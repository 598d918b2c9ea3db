// Which handler answers a request, by the rules of the reference's routers, redirects and refusals included.
import { tidyPath } from "@narthex/toolkit";
import { decodePath } from "../push/grouping-key.ts";
import type { Exchange } from "./answer.ts";

export type Handler = (exchange: Exchange) => void | Promise<void>;

/** Where a push goes: what its path says, percent-decoded. */
export interface PushTarget {
  readonly job: string;
  readonly isBase64: boolean;
  /** From the slash behind the job on; "" for nothing. */
  readonly rest: string;
}

export type PushHandler = (exchange: Exchange, target: PushTarget) => void | Promise<void>;

/** Paths below the prefix. */
export interface RouteTable {
  /** "" or `/prefix`. */
  readonly prefix: string;
  /** By path, then by method. */
  readonly fixed: ReadonlyMap<string, ReadonlyMap<string, Handler>>;
  readonly pushes: ReadonlyMap<string, PushHandler>;
  /** Below `/api/v1`: by path, then by method. */
  readonly api: ReadonlyMap<string, ReadonlyMap<string, Handler>>;
  /** OPTIONS anywhere below `/api/v1`. */
  readonly apiOptions: Handler;
  /** Below `/static/`: by name. */
  readonly assets: ReadonlyMap<string, Handler>;
}

/** Answers a request or finds who does. Never rejects but for what a handler throws. */
export function dispatch(table: RouteTable, exchange: Exchange): void | Promise<void> {
  const url = exchange.request.url ?? "/";
  const mark = url.indexOf("?");
  const raw = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? "" : url.slice(mark);
  const path = decodePath(raw);
  if (path === undefined || !path.startsWith("/")) {
    exchange.response.setHeader("Connection", "close");
    exchange.text(400, "400 Bad Request");
    return;
  }
  const tidy = tidyPath(path);
  if (tidy !== path) {
    exchange.redirect(301, encodePath(tidy) + query);
    return;
  }
  const { prefix } = table;
  const api = `${prefix}/api/v1`;
  if (path === api) {
    exchange.redirect(301, `${encodePath(api)}/${query}`);
    return;
  }
  if (path.startsWith(`${api}/`)) return dispatchApi(table, exchange, path.slice(api.length));
  if (path !== prefix && !path.startsWith(`${prefix}/`)) {
    // The one route that the reference does not put below its prefix.
    if (path === "/-/quit" && exchange.method === "GET") return table.fixed.get(path)?.get("GET")?.(exchange);
    exchange.refuse(404, "404 page not found");
    return;
  }
  return dispatchBelow(table, exchange, path.slice(prefix.length), query);
}

function dispatchBelow(table: RouteTable, exchange: Exchange, path: string, query: string): void | Promise<void> {
  const fixed = table.fixed.get(path);
  if (fixed !== undefined) return byMethod(fixed, exchange);
  if (path.startsWith("/static/")) {
    const asset = table.assets.get(path.slice("/static/".length));
    if (asset !== undefined) return byMethod(new Map([["GET", asset]]), exchange);
  }
  const target = pushTarget(path);
  if (target !== undefined) {
    const handlers = new Map([...table.pushes].map(([method, run]) => [method, (each: Exchange) => run(each, target)]));
    return byMethod(handlers, exchange);
  }
  const found = redirectOf(table, exchange.method, path);
  if (found === undefined) exchange.refuse(404, "404 page not found");
  else exchange.redirect(exchange.method === "GET" ? 301 : 307, encodePath(table.prefix + found) + query);
}

/** Where a path with one slash too many, or in other letters, leads. */
function redirectOf(table: RouteTable, method: string, path: string): string | undefined {
  if (table.pushes.has(method) && path === "/metrics/job/") return "/metrics/job";
  const bare = path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
  for (const [known, handlers] of table.fixed)
    if (handlers.has(method) && known !== path && known.toLowerCase() === bare.toLowerCase()) return known;
  return undefined;
}

function dispatchApi(table: RouteTable, exchange: Exchange, path: string): void | Promise<void> {
  const handlers = table.api.get(path);
  if (exchange.method === "OPTIONS") return table.apiOptions(exchange);
  if (handlers === undefined) exchange.refuse(404, "404 page not found");
  else return byMethod(handlers, exchange);
}

function byMethod(handlers: ReadonlyMap<string, Handler>, exchange: Exchange): void | Promise<void> {
  const handler = handlers.get(exchange.method);
  if (handler !== undefined) return handler(exchange);
  exchange.response.setHeader("Allow", [...handlers.keys(), "OPTIONS"].sort().join(", "));
  if (exchange.method === "OPTIONS") exchange.status(200);
  else exchange.refuse(405, "Method Not Allowed");
}

function pushTarget(path: string): PushTarget | undefined {
  const [, suffix, job, rest] = /^\/metrics\/job(@base64)?\/([^/]+)(\/.*)?$/s.exec(path) ?? [];
  return job === undefined ? undefined : { job, isBase64: suffix !== undefined, rest: rest ?? "" };
}

/** A path for a Location header. */
function encodePath(path: string): string {
  return path
    .split("/")
    .map((part) => encodeURIComponent(part.toWellFormed()).replace(/%(24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent))
    .join("/");
}
