// What a server consists of once its storage is open.
import type { Db } from "@narthex/tsdb";
import type { MemoryWatch } from "./care/memory-watch.ts";
import type { QueryService } from "./query/query-service.ts";
import type { RemoteReader } from "./remote/fetch/remote-reader.ts";
import type { RuleService } from "./rules/rule-service.ts";
import type { Sending } from "./sending.ts";

/** An agent has less: see `RunningAgent`. */
export interface Running extends Sending {
  readonly db: Db;
  readonly queries: QueryService;
  readonly rules: RuleService;
  readonly reader: RemoteReader;
  readonly memory: MemoryWatch;
}
