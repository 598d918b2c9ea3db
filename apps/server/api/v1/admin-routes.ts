// Changing what is stored: off unless `--web.enable-admin-api` is set.
import { ParseError, parseMetricSelector } from "@narthex/promql";
import type { Db } from "@narthex/tsdb";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { MAX_TIME, MIN_TIME } from "../params.ts";

export class AdminRoutes {
  readonly #enabled: boolean;
  readonly #db: () => Db;

  constructor(enabled: boolean, db: () => Db) {
    this.#enabled = enabled;
    this.#db = db;
  }

  async deleteSeries(call: Call): Promise<void> {
    this.#requireEnabled();
    const { params } = call;
    const selectors = params.all("match[]");
    if (selectors.length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
    const minTime = params.time("start", MIN_TIME);
    const maxTime = params.time("end", MAX_TIME);
    // Unlike elsewhere, a selector that demands nothing is taken: it deletes everything.
    const parsed = selectors.map(parse);
    const db = this.#db();
    for (const matchers of parsed) await done(db.delete(Math.ceil(minTime), Math.floor(maxTime), matchers));
    call.noContent();
  }

  async cleanTombstones(call: Call): Promise<void> {
    this.#requireEnabled();
    await done(this.#db().cleanTombstones());
    call.noContent();
  }

  async snapshot(call: Call): Promise<void> {
    this.#requireEnabled();
    const text = call.params.get("skip_head");
    if (!/^(|0|1|t|f|true|false|TRUE|FALSE|True|False|T|F)$/.test(text))
      throw invalidParameter(
        "skip_head",
        `unable to parse boolean: strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`,
      );
    const name = await done(this.#db().snapshot(/^(1|t|T|true|TRUE|True)$/.test(text)));
    call.json({ name });
  }

  #requireEnabled(): void {
    if (!this.#enabled) throw new ApiError("unavailable", "admin APIs disabled");
  }
}

function parse(selector: string): ReturnType<typeof parseMetricSelector> {
  try {
    return parseMetricSelector(selector);
  } catch (error) {
    if (error instanceof ParseError) throw invalidParameter("match[]", error.message);
    throw error;
  }
}

/** What the storage refuses is an internal error to the caller, who is told why. */
async function done<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new ApiError("internal", (error as Error).message);
  }
}
