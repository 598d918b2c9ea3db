// Recording rules computed for the past: orders, how they get on, and calling them off. For operators.
import type { BackfillJob, BackfillJobs } from "../../rules/backfill/backfill-jobs.ts";
import { slotOffset } from "../../rules/group-slot.ts";
import { RecordingRule } from "../../rules/recording-rule.ts";
import type { RuleGroup } from "../../rules/rule-group.ts";
import type { Call } from "../../web/call.ts";
import { requireOperator } from "../../web/operator-access.ts";
import { ApiError, invalidParameter } from "../api-error.ts";

export interface BackfillRoutesOptions {
  readonly jobs: () => BackfillJobs;
  readonly groups: () => readonly RuleGroup[];
  readonly now: () => number;
  /** Whether `--web.enable-admin-api` is set: then everybody is an operator. */
  readonly adminApi: boolean;
}

export class BackfillRoutes {
  readonly #options: BackfillRoutesOptions;

  constructor(options: BackfillRoutesOptions) {
    this.#options = options;
  }

  /** Begins to compute one recording rule in force from a time on. The same order again adds nothing that is there. */
  start(call: Call): void {
    requireOperator(call.request, this.#options.adminApi);
    const { params } = call;
    const { group, rule } = this.#ruleOf(call);
    const startMs = params.requiredTime("start");
    const endMs = params.time("end", this.#options.now());
    if (endMs < startMs) throw invalidParameter("end", "end timestamp must not be before start time");
    const { name, file, intervalMs, queryOffsetMs } = group.config;
    const job = this.#options.jobs().add({
      name: rule.name,
      query: rule.query,
      labels: rule.labels.pairs,
      group: name,
      file,
      intervalMs,
      phaseMs: slotOffset(file, name, intervalMs) - queryOffsetMs,
      startMs,
      endMs,
    });
    if (job === undefined)
      throw new ApiError("overloaded", "too many rules wait for being backfilled: try again later");
    call.json({ job: jobJson(job) });
  }

  /** All orders that wait or run, and the last hundred that ended, oldest first. */
  list(call: Call): void {
    requireOperator(call.request, this.#options.adminApi);
    call.json({ jobs: this.#options.jobs().list.map(jobJson) });
  }

  /** Calls an order off; what was written stays. */
  cancel(call: Call): void {
    requireOperator(call.request, this.#options.adminApi);
    const text = call.params.get("id");
    if (!/^\d{1,15}$/.test(text)) throw invalidParameter("id", "a job's number is needed, as the list shows it");
    if (!this.#options.jobs().cancel(Number(text))) throw new ApiError("not_found", `no job of number ${text} is open`);
    call.noContent();
  }

  #ruleOf({ params }: Call): { group: RuleGroup; rule: RecordingRule } {
    const [record, groupName, file] = [params.get("record"), params.get("group"), params.get("file")];
    const found = this.#options
      .groups()
      .filter(({ config }) => (groupName === "" || config.name === groupName) && (file === "" || config.file === file))
      .flatMap((group) =>
        group.rules
          .filter((rule): rule is RecordingRule => rule instanceof RecordingRule && rule.name === record)
          .map((rule) => ({ group, rule })),
      );
    const [first] = found;
    if (first === undefined) throw new ApiError("not_found", `no recording rule ${JSON.stringify(record)} there`);
    if (found.length > 1) {
      const places = found.slice(0, 10).map(({ group }) => `group ${group.config.name} of ${group.config.file}`);
      throw new ApiError("bad_data", `which one? Say so with group and file: ${places.join(", ")}`);
    }
    return first;
  }
}

function jobJson(job: BackfillJob): object {
  const { id, order, state, begunMs, doneUntilMs, untilMs, blocks, samples, skipped, error } = job;
  const span = untilMs - order.startMs;
  const text = (t: number): string => new Date(t).toISOString();
  return {
    id,
    record: order.name,
    group: order.group,
    file: order.file,
    state,
    begun: text(begunMs),
    start: text(order.startMs),
    end: text(order.endMs),
    until: text(untilMs),
    doneUntil: text(doneUntilMs),
    progress: state === "done" || span <= 0 ? 1 : Math.min(1, Math.max(0, (doneUntilMs - order.startMs) / span)),
    blocks,
    samples,
    skipped,
    ...(error === undefined ? {} : { error }),
  };
}
