import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { silentLogger } from "@narthex/toolkit";
import { Db, MemoryFs } from "@narthex/tsdb";
import type { FetchedSelection } from "../remote/fetch/fetched.ts";
import type { RemoteReader } from "../remote/fetch/remote-reader.ts";
import { ActiveQueryLog } from "./active-query-log.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { INLINE_QUERY_LENGTH, QueryService } from "./query-service.ts";
import type { InstantRequest } from "./request.ts";

const SETTINGS: EngineSettings = {
  lookbackDeltaMs: 300_000,
  maxSamples: 1e6,
  timeoutMs: 10_000,
  defaultSubqueryStepMs: 60_000,
  experimentalFunctions: false,
  extendedRangeSelectors: false,
  fillModifiers: false,
  perStepStats: false,
  delayedNameRemoval: false,
  typeAndUnitLabels: false,
  useStartTimestamps: false,
};

/** A text so long is never run on the main thread. */
const BIG: InstantRequest = {
  kind: "instant",
  expr: "m".padEnd(INLINE_QUERY_LENGTH + 1),
  timeMs: 0,
  timeoutMs: undefined,
  lookbackDeltaMs: undefined,
  limit: 0,
  stats: "none",
  format: "json",
};

test("query service: while memory is short big queries are refused before other servers are asked, and after", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-queries-"));
  const db = await Db.open({ directory: "/data", fs: new MemoryFs(), registry: new Registry() } as never);
  let asked = 0;
  let whenAsked = (): void => {};
  const remote = {
    isEmpty: false,
    fetch: async (): Promise<FetchedSelection[]> => {
      asked++;
      whenAsked();
      return [];
    },
  };
  const queries = new QueryService({
    db,
    remote: remote as unknown as RemoteReader,
    settings: SETTINGS,
    maxConcurrency: 2,
    workers: 2,
    workerHeapMb: 64,
    registry: new Registry(),
    active: new ActiveQueryLog(folder, 2, silentLogger),
  });
  t.after(async () => {
    await queries.close();
    await db.close();
    rmSync(folder, { recursive: true });
  });
  const run = () => queries.run(BIG, { write: () => undefined }, { signal: new AbortController().signal });
  const refusal = { name: "ApiError", message: /memory is short/ };
  queries.refusesBig = true;
  await assert.rejects(run(), refusal);
  assert.equal(asked, 0);
  // Memory that becomes short while others answer: what they answered is not run.
  queries.refusesBig = false;
  whenAsked = () => {
    queries.refusesBig = true;
  };
  await assert.rejects(run(), refusal);
  assert.equal(asked, 1);
});
