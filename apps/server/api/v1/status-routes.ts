// What the server says about itself: build, flags, configuration, storage.

import type { ServerResponse } from "node:http";
import { availableParallelism, hostname } from "node:os";
import type { BuildInfo } from "@narthex/toolkit";
import type { Db } from "@narthex/tsdb";
import type { Call } from "../../web/call.ts";
import type { Notifications } from "../../web/notifications.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { openApiText } from "../openapi.ts";
import { type FeatureSources, featureTable } from "./features.ts";

export interface StatusSource {
  readonly build: BuildInfo;
  /** Every flag as text, sorted by name. */
  readonly flags: Readonly<Record<string, string>>;
  readonly startTimeMs: number;
  /** The configuration in force, secrets masked. */
  configYaml(): string;
  /** How the last reload went, and when the last successful one was. */
  reload(): { readonly successful: boolean; readonly lastSuccessMs: number };
  /** For how long and up to which size data is kept, as `15d or 1GiB`. */
  retention(): string;
  /** Undefined until the storage is open. */
  db(): Db | undefined;
  readonly features: FeatureSources;
  readonly notifications: Notifications;
  walReplay(): { readonly min: number; readonly max: number; readonly current: number };
}

/** A subscriber that takes nothing loses what comes beyond. */
const MAX_UNSENT_EVENT_BYTES = 64 * 1024;
const MAX_CARDINALITY_LIMIT = 10_000;

export class StatusRoutes {
  readonly #source: StatusSource;

  constructor(source: StatusSource) {
    this.#source = source;
  }

  config(call: Call): void {
    call.json({ yaml: this.#source.configYaml() });
  }

  flags(call: Call): void {
    call.json(this.#source.flags);
  }

  buildInfo(call: Call): void {
    call.json(this.#source.build);
  }

  runtimeInfo(call: Call): void {
    const { startTimeMs, reload, retention } = this.#source;
    const { successful, lastSuccessMs } = reload();
    call.json({
      startTime: new Date(startTimeMs).toISOString(),
      CWD: process.cwd(),
      hostname: hostname(),
      serverTime: new Date().toISOString(),
      reloadConfigSuccess: successful,
      lastConfigTime: new Date(lastSuccessMs).toISOString(),
      corruptionCount: 0,
      goroutineCount: process.getActiveResourcesInfo().length,
      GOMAXPROCS: availableParallelism(),
      GOMEMLIMIT: Number.MAX_SAFE_INTEGER,
      GOGC: "",
      GODEBUG: "",
      storageRetention: retention(),
    });
  }

  tsdb(call: Call): void {
    const text = call.params.get("limit");
    const limit = text === "" ? 10 : Number(text);
    if (!/^[+-]?\d+$/.test(text === "" ? "10" : text) || limit < 1)
      throw new ApiError("bad_data", "limit must be a positive number");
    if (limit > MAX_CARDINALITY_LIMIT)
      throw invalidParameter("limit", `limit must not exceed ${MAX_CARDINALITY_LIMIT}`);
    const db = this.#source.db();
    if (db === undefined) throw new ApiError("unavailable", "TSDB not ready");
    const { numSeries, numLabelPairs, numChunks, minTime, maxTime } = db.stats();
    call.json({
      headStats: { numSeries, numLabelPairs, chunkCount: numChunks, minTime: minTime ?? 0, maxTime: maxTime ?? 0 },
      ...db.cardinality(limit),
    });
  }

  /** The blocks on disk, as their `meta.json` files tell. */
  blocks(call: Call): void {
    call.json({ blocks: (this.#source.db()?.blocks ?? []).map(({ meta }) => meta.raw) });
  }

  features(call: Call): void {
    call.json(featureTable(this.#source.features));
  }

  openApi(call: Call): void {
    const version = call.params.get("openapi_version") || "3.1";
    if (version !== "3.1" && version !== "3.2")
      throw invalidParameter("openapi_version", `unknown version ${JSON.stringify(version)}: expected 3.1 or 3.2`);
    call.send(200, "application/yaml; charset=utf-8", openApiText(version, this.#source.build.version));
  }

  /** What a person at the page should know now. */
  notifications(call: Call): void {
    call.json(this.#source.notifications.active);
  }

  /** The same as a stream of server-sent events: what is active, then each change, until the client leaves. */
  liveNotifications(call: Call): void {
    const { response } = call;
    const end = this.#source.notifications.subscribe((notification) => {
      if (response.writableLength > MAX_UNSENT_EVENT_BYTES) return false;
      if (!response.headersSent) beginEvents(response);
      response.write(`data: ${JSON.stringify(notification)}\n\n`);
      return true;
    });
    if (end === undefined) {
      call.noContent();
      return;
    }
    if (!response.headersSent) beginEvents(response);
    response.flushHeaders();
    response.once("close", end);
  }

  walReplay(call: Call): void {
    call.json(this.#source.walReplay());
  }
}

function beginEvents(response: ServerResponse): void {
  response.statusCode = 200;
  response.setHeader("Content-Type", "text/event-stream");
  response.setHeader("Cache-Control", "no-cache");
}
