// What the server gives up when memory is short, dearest last. Scraping of known series, rules and small queries always go on.
import { clearReadCache, type Db } from "@narthex/tsdb";
import type { QueryService } from "../query/query-service.ts";
import type { ShedStep } from "./memory-watch.ts";
import type { SeriesBudget } from "./series-budget.ts";

/** The step that takes no samples out of order. */
export const LATE_SAMPLES = "late samples";

/** What gives something up. */
export interface ShedParts {
  readonly db: Db;
  readonly queries: QueryService;
  readonly budget: SeriesBudget;
  /** Has receivers forget the series that they know. */
  readonly forgetReceived: () => void;
  /** The configured window, in milliseconds, for the time after. */
  readonly outOfOrderWindowMs: () => number;
}

/** In the order in which load is given up, for a `MemoryWatch`. */
export function shedSteps({ db, queries, budget, forgetReceived, outOfOrderWindowMs }: ShedParts): readonly ShedStep[] {
  const nothing = (): void => {};
  const dropCaches = (): void => {
    queries.dropCaches();
    clearReadCache();
    forgetReceived();
  };
  return [
    {
      name: "big queries",
      share: 0.8,
      enter: () => {
        queries.refusesBig = true;
      },
      leave: () => {
        queries.refusesBig = false;
      },
    },
    { name: "caches", share: 0.86, enter: dropCaches, leave: nothing, repeat: dropCaches },
    { name: "running big queries", share: 0.9, enter: () => queries.endBig(), leave: nothing },
    {
      name: "new series",
      share: 0.93,
      enter: () => {
        budget.memoryIsShort = true;
      },
      leave: () => {
        budget.memoryIsShort = false;
      },
    },
    {
      name: LATE_SAMPLES,
      share: 0.96,
      enter: () => db.setOutOfOrderWindow(0),
      leave: () => db.setOutOfOrderWindow(outOfOrderWindowMs()),
    },
  ];
}
