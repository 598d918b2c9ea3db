// What the reference has no API for, below `/api/v2/narthex`: what was told and why, trying things out, acknowledging, schedules.
import { LabelMatcher } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import { SilenceError } from "../../silence/silence-check.ts";
import type { Exchange } from "../../web/exchange.ts";
import { Resource } from "../resource.ts";
import type { ApiContext } from "../v2/api-context.ts";
import { ApiError } from "../v2/api-error.ts";
import { getOverview } from "./alert-overview.ts";
import { OwnBody } from "./own-body.ts";
import { getRoutes } from "./route-tree.ts";
import { previewTemplate, testReceiver } from "./try-out.ts";
import { ACKNOWLEDGED, routesJson, whyJson } from "./why.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 10_000;
/** An acknowledgement ends by itself, so that what was forgotten comes back. */
const ACKNOWLEDGED_SECONDS = 4 * 3600;

export const OWN_RESOURCES: readonly Resource[] = [
  new Resource("/narthex/notifications", { GET: listNotifications }),
  new Resource("/narthex/alerts/overview", { GET: getOverview }),
  new Resource("/narthex/alerts/{fingerprint}/why", { GET: explainAlert }),
  new Resource("/narthex/alerts/{fingerprint}/acknowledge", { POST: acknowledge }),
  new Resource("/narthex/why", { POST: explainLabels }),
  new Resource("/narthex/routes", { GET: getRoutes }),
  new Resource("/narthex/routes/test", { POST: testRoutes }),
  new Resource("/narthex/templates/preview", { POST: previewTemplate }),
  new Resource("/narthex/receivers/{receiver}/test", { POST: testReceiver }),
  new Resource("/narthex/recurring-silences", { GET: listRecurring, POST: addRecurring }),
  new Resource("/narthex/recurring-silences/{id}", { DELETE: removeRecurring }),
];

function answer(exchange: Exchange, value: unknown): void {
  exchange.json(200, `${JSON.stringify(value)}\n`);
}

function listNotifications(exchange: Exchange, { records }: ApiContext): void {
  const { query } = exchange;
  const limit = query.get("limit") === null ? DEFAULT_LIMIT : Number(query.get("limit"));
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw ApiError.coded(400, 400, `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  const one = (name: string): string | undefined => query.get(name) ?? undefined;
  answer(
    exchange,
    records.list({
      receiver: one("receiver"),
      groupKey: one("group"),
      fingerprint: one("alert"),
      outcome: one("outcome"),
      limit,
    }),
  );
}

function explainAlert(exchange: Exchange, context: ApiContext, fingerprint: string): void {
  const alert = context.alerts.get(fingerprint);
  if (alert === undefined) throw ApiError.coded(404, 404, `no alert has the fingerprint ${fingerprint}`);
  answer(exchange, whyJson(alert.labels, context));
}

function explainLabels(exchange: Exchange, context: ApiContext): void {
  answer(exchange, whyJson(new OwnBody(exchange, ["labels"]).labels("labels"), context));
}

function testRoutes(exchange: Exchange, context: ApiContext): void {
  const labels = new OwnBody(exchange, ["labels"]).labels("labels");
  answer(exchange, { labels: labels.toObject(), routes: routesJson(labels, context.state()) });
}

/** An acknowledgement is a silence for exactly this alert, with the person and the note. */
async function acknowledge(exchange: Exchange, context: ApiContext, fingerprint: string): Promise<void> {
  const alert = context.alerts.get(fingerprint);
  if (alert === undefined) throw ApiError.coded(404, 404, `no alert has the fingerprint ${fingerprint}`);
  const body = new OwnBody(exchange, ["by", "note", "seconds"]);
  const now = Moment.fromMs(context.clock.now());
  const silenceID = await orRefuse(() =>
    context.silences.set({
      id: "",
      matcherSets: [[...alert.labels].map(([name, value]) => new LabelMatcher("=", name, value))],
      startsAt: now,
      endsAt: now.plusMs(body.seconds("seconds", ACKNOWLEDGED_SECONDS) * 1000),
      updatedAt: now,
      createdBy: body.required("by"),
      comment: body.required("note"),
      annotations: new Map([[ACKNOWLEDGED, fingerprint]]),
    }),
  );
  answer(exchange, { silenceID });
}

function listRecurring(exchange: Exchange, { recurring }: ApiContext): void {
  answer(exchange, recurring.list());
}

async function addRecurring(exchange: Exchange, { recurring }: ApiContext): Promise<void> {
  const body = new OwnBody(exchange, ["matchers", "timeIntervals", "createdBy", "comment"]);
  const timeIntervals = body.raw("timeIntervals");
  if (!Array.isArray(timeIntervals)) throw ApiError.coded(400, 400, "timeIntervals must be a list");
  const id = await orRefuse(() =>
    recurring.add({
      matchers: body.required("matchers"),
      timeIntervals,
      createdBy: body.required("createdBy"),
      comment: body.required("comment"),
    }),
  );
  answer(exchange, { id });
}

async function removeRecurring(exchange: Exchange, { recurring }: ApiContext, id: string): Promise<void> {
  if (!(await recurring.remove(id))) throw ApiError.coded(404, 404, `there is no recurring silence ${id}`);
  exchange.empty(200);
}

/** What the makers of silences throw is told to whoever asked; what the disk throws is ours. */
async function orRefuse<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const isTheirs = error instanceof SilenceError || !("code" in (error as object));
    throw ApiError.coded(isTheirs ? 400 : 500, isTheirs ? 400 : 500, (error as Error).message);
  }
}
