// Keeps a store as the API has it: one list, then a watch from there on. Source: Kubernetes API concepts, "Efficient
// detection of changes", "Retrieving large results sets in chunks".
import {
  type ApiClient,
  ApiError,
  type ApiRequest,
  integerOf,
  type JsonObject,
  jsonOf,
  type Logger,
  objectOf,
  objectsOf,
  parseJson,
  ShapeError,
  textOf,
} from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import type { Clock } from "../../scrape/clock.ts";
import { pause } from "../../scrape/pause.ts";
import { PageGuard } from "../page-guard.ts";
import type { KubernetesMetrics } from "./kubernetes-metrics.ts";
import { keyOf, type StoredObject } from "./object-meta.ts";
import type { ObjectStore, StoreEvent } from "./object-store.ts";
import type { Resource } from "./resource.ts";
import { WatchLines } from "./watch-lines.ts";

/** So many objects per page: parsing one must not hold up a scrape. */
const PAGE_OBJECTS = 250;
/** Work in one go; then whatever else the process has to do gets its turn. */
const TURN_MS = 10;
const FIRST_BACKOFF_MS = 800;
const LONGEST_BACKOFF_MS = 30_000;
/** A watch that ends at once is begun again after so long. */
const SHORTEST_WATCH_MS = 1000;

/** How long answers are waited for, in milliseconds. */
export interface WatchTiming {
  /** For one page of a list. */
  readonly listMs: number;
  /** The API ends a watch after so long, or after up to twice that. */
  readonly watchMs: number;
  /** How much longer than that a watch may go on. */
  readonly marginMs: number;
}

/** The reference's, as far as it has them. */
export const WATCH_TIMING: WatchTiming = { listMs: 60_000, watchMs: 5 * 60_000, marginMs: 30_000 };

/** What a watch needs. */
export interface ObjectWatchOptions<T extends StoredObject> {
  readonly client: ApiClient;
  /** URL of the API server, without a slash at its end. */
  readonly base: string;
  readonly resource: Resource<T>;
  /** "" for all. */
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly store: ObjectStore<T>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly metrics: KubernetesMetrics;
  readonly timing: WatchTiming;
  /** Hears of every event, also of those that change nothing. */
  readonly onEvent?: (event: StoreEvent) => void;
  /** The store is complete for the first time. */
  readonly onSynced: () => void;
}

/** The version that a watch began with is forgotten: a list is due. */
class Expired extends Error {}

/** One list and watch, over and over. While the API fails, the store stays as it is. */
export class ObjectWatch<T extends StoredObject> {
  readonly #options: ObjectWatchOptions<T>;
  readonly #abort = new AbortController();
  /** Where the next watch begins; undefined when a list is due. */
  #version: string | undefined;
  #backoffMs = FIRST_BACKOFF_MS;
  #isSynced = false;

  constructor(options: ObjectWatchOptions<T>) {
    this.#options = options;
  }

  start(): void {
    void this.#run();
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { clock, logger, metrics, resource } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const begun = clock.monotonic();
      try {
        if (this.#version === undefined) {
          this.#version = await this.#list(signal);
          if (signal.aborted) return;
          if (!this.#isSynced) this.#options.onSynced();
          this.#isSynced = true;
        }
        await this.#watch(this.#version, signal);
        this.#backoffMs = FIRST_BACKOFF_MS;
        await pause(clock, SHORTEST_WATCH_MS - (clock.monotonic() - begun), signal);
      } catch (error) {
        if (signal.aborted) return;
        metrics.failures.inc();
        logger.error("Failed to watch", { type: resource.type, err: (error as Error).message });
        // Whatever the API said no to, or said wrongly: what is known may be out of date. A broken connection is not that.
        const isRefusal = error instanceof ShapeError || (error instanceof ApiError && error.status !== 0);
        if (isRefusal) this.#version = undefined;
        await pause(clock, this.#backoffMs * (1 + Math.random()), signal);
        this.#backoffMs = Math.min(this.#backoffMs * 2, LONGEST_BACKOFF_MS);
      }
    }
  }

  /** Brings the store to what the API has now; resolves to the version of that. */
  async #list(signal: AbortSignal): Promise<string> {
    const { resource, store } = this.#options;
    const fresh = new Map<string, T>();
    const guard = new PageGuard(resource.plural);
    let next = "";
    let version = "";
    do {
      const params: [string, string][] = [["limit", String(PAGE_OBJECTS)]];
      if (next !== "") params.push(["continue", next]);
      const request = this.#request(params, this.#options.timing.listMs, signal);
      const began = performance.now();
      const answer = await this.#options.client.ask(request).catch((error: unknown) => {
        this.#count("<error>", request, began);
        throw error;
      });
      this.#count(String(answer.status), request, began);
      const list = objectOf(jsonOf(answer, request), "list");
      if (!textOf(list["kind"], "kind").endsWith("List")) throw new ShapeError("answer is no list of objects");
      const items = objectsOf(list["items"], "items");
      for (const item of items) {
        const object = this.#read(item);
        fresh.set(keyOf(object.meta), object);
      }
      const meta = objectOf(list["metadata"], "list metadata");
      // All pages are of one moment; where a proxy mixes moments, nothing is missed from the first one on.
      version ||= textOf(meta["resourceVersion"], "resourceVersion");
      next = textOf(meta["continue"], "continue");
      if (next !== "") guard.turn(items.length, next, 0);
    } while (next !== "" && !signal.aborted);
    if (signal.aborted) return version;
    for (const key of [...store.keys()]) {
      if (fresh.has(key)) continue;
      this.#options.onEvent?.("delete");
      store.remove(key);
    }
    let turnEnds = performance.now() + TURN_MS;
    for (const [key, object] of fresh) {
      this.#options.onEvent?.(store.get(key) === undefined ? "add" : "update");
      store.put(object);
      if (performance.now() < turnEnds) continue;
      await new Promise((resolve) => setImmediate(resolve));
      if (signal.aborted) return version;
      turnEnds = performance.now() + TURN_MS;
    }
    return version;
  }

  /** Follows what happens from `version` on, to the end of the watch. */
  async #watch(version: string, signal: AbortSignal): Promise<void> {
    const { timing } = this.#options;
    const lengthMs = timing.watchMs * (1 + Math.random());
    const params: [string, string][] = [
      ["watch", "true"],
      ["allowWatchBookmarks", "true"],
      ["resourceVersion", version],
      ["timeoutSeconds", String(Math.ceil(lengthMs / 1000))],
    ];
    const request = this.#request(params, lengthMs + timing.marginMs, signal);
    const began = performance.now();
    const lines = new WatchLines((text) => {
      if (!signal.aborted) this.#event(text);
    });
    let hasBegun = false;
    try {
      await this.#options.client.stream(
        request,
        (bytes) => lines.take(bytes),
        (status) => {
          hasBegun = true;
          this.#count(String(status), request, began);
        },
      );
    } catch (error) {
      if (!hasBegun) this.#count("<error>", request, began);
      const { cause } = error as Error;
      // The version is too old, as status or as event: that happens after every long interruption.
      if (error instanceof ApiError && error.status === 410) this.#version = undefined;
      else if (!(cause instanceof Expired)) throw cause instanceof ShapeError ? cause : error;
      return;
    }
    try {
      lines.end();
    } catch (error) {
      if (!(error instanceof Expired)) throw error;
    }
  }

  #event(text: string): void {
    const { store, onEvent } = this.#options;
    let value: unknown;
    try {
      value = parseJson(text);
    } catch (error) {
      throw new ShapeError("watch event is no valid JSON", { cause: error });
    }
    const event = objectOf(value, "watch event");
    const type = textOf(event["type"], "event type");
    const object = objectOf(event["object"], "event object");
    switch (type) {
      case "ERROR": {
        const code = integerOf(object["code"], "status code");
        this.#version = undefined;
        if (code === 410) throw new Expired();
        throw new ShapeError(`watch failed with status ${code}: ${textOf(object["message"], "message").slice(0, 200)}`);
      }
      case "BOOKMARK":
        break;
      case "ADDED":
      case "MODIFIED": {
        const read = this.#read(object);
        onEvent?.(store.get(keyOf(read.meta)) === undefined ? "add" : "update");
        store.put(read);
        break;
      }
      case "DELETED": {
        onEvent?.("delete");
        store.remove(keyOf(this.#read(object).meta));
        break;
      }
      default:
        throw new ShapeError(`unknown type of watch event ${JSON.stringify(type.slice(0, 40))}`);
    }
    const version = textOf(objectOf(object["metadata"], "metadata")["resourceVersion"], "resourceVersion");
    if (version !== "") this.#version = version;
    this.#backoffMs = FIRST_BACKOFF_MS;
  }

  #read(object: JsonObject): T {
    const read = this.#options.resource.read(object);
    if (read.meta.name === "") throw new ShapeError("object without a name");
    return read;
  }

  #request(params: readonly (readonly [string, string])[], timeoutMs: number, signal: AbortSignal): ApiRequest {
    const { base, resource, namespace, labelSelector, fieldSelector } = this.#options;
    const within = namespace === "" ? "" : `namespaces/${encodeURIComponent(namespace)}/`;
    const url = new URL(`${base}/${resource.group}/${within}${resource.plural}`);
    for (const [name, value] of params) url.searchParams.append(name, value);
    if (labelSelector !== "") url.searchParams.append("labelSelector", labelSelector);
    if (fieldSelector !== "") url.searchParams.append("fieldSelector", fieldSelector);
    const headers = { Accept: "application/json", "User-Agent": `Prometheus/${COMPATIBLE_VERSION}` };
    return { url, headers, timeoutMs, signal };
  }

  #count(status: string, request: ApiRequest, began: number): void {
    const { metrics } = this.#options;
    metrics.requests.labels(status).inc();
    metrics.requestDuration.labels(request.url.pathname).observe((performance.now() - began) / 1000);
  }
}
