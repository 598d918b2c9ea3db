// Changing what is stored: off unless `--web.enable-admin-api` is set.
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { MAX_TIME, MIN_TIME } from "../params.ts";
import { checkSelector } from "./series-routes.ts";

export class AdminRoutes {
  readonly #enabled: boolean;

  constructor(enabled: boolean) {
    this.#enabled = enabled;
  }

  deleteSeries(call: Call): void {
    this.#requireEnabled();
    const { params } = call;
    const selectors = params.all("match[]");
    if (selectors.length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
    const minTime = params.time("start", MIN_TIME);
    const maxTime = params.time("end", MAX_TIME);
    for (const selector of selectors) checkSelector(selector);
    void minTime;
    void maxTime;
    throw notYet("deleting series");
  }

  cleanTombstones(_call: Call): void {
    this.#requireEnabled();
    throw notYet("cleaning tombstones");
  }

  snapshot(call: Call): void {
    this.#requireEnabled();
    const text = call.params.get("skip_head");
    if (!/^(|0|1|t|f|true|false|TRUE|FALSE|True|False|T|F)$/.test(text))
      throw invalidParameter(
        "skip_head",
        `unable to parse boolean: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    throw notYet("taking snapshots");
  }

  #requireEnabled(): void {
    if (!this.#enabled) throw new ApiError("unavailable", "admin APIs disabled");
  }
}

function notYet(what: string): ApiError {
  return new ApiError("unavailable", `${what} is not available yet in this version`);
}
