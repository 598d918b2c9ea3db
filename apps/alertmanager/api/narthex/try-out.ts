// Trying things out before an alert does: templates, and whether a receiver can be reached.
import { Labels } from "@narthex/model";
import type { Alert } from "../../alert/alert.ts";
import { fingerprintOf } from "../../label/fingerprint.ts";
import { Moment } from "../../moment/moment.ts";
import type { Delivery } from "../../notify/delivery.ts";
import { DEADLINE } from "../../notify/delivery.ts";
import { templateData } from "../../template/data.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext } from "../v2/api-context.ts";
import { ApiError } from "../v2/api-error.ts";
import { OwnBody } from "./own-body.ts";

const MAX_TEMPLATE_CHARS = 64 * 1024;
const TEST_TIMEOUT_MS = 15_000;
/** Test notifications under way at a time; each holds a connection. */
const MAX_TESTS = 4;
const LABELS = { alertname: "TestAlert", severity: "none" };
const ANNOTATIONS = { summary: "A test notification, sent by hand" };

let testsUnderWay = 0;

/** Renders a text over one alert, and answers what comes out or what is wrong with it. */
export function previewTemplate(exchange: Exchange, context: ApiContext): void {
  const body = new OwnBody(exchange, ["template", "html", "labels", "annotations", "receiver", "resolved"]);
  const template = body.required("template");
  if (template.length > MAX_TEMPLATE_CHARS) throw ApiError.coded(400, 400, "the template is too long");
  const { templates } = context.state();
  const alert = testAlert(body, context);
  const isOver = body.flag("resolved");
  const data = templateData({
    receiver: body.text("receiver") || "test",
    groupLabels: alert.labels,
    routeLabels: new Map(),
    reason: "first notification",
    alerts: [alert],
    isResolved: () => isOver,
    externalUrl: context.externalUrl,
  });
  let answer: object;
  try {
    answer = { output: body.flag("html") ? templates.html(template, data) : templates.text(template, data) };
  } catch (error) {
    answer = { error: (error as Error).message };
  }
  exchange.json(200, `${JSON.stringify(answer)}\n`);
}

/** Tells all integrations of a receiver of an alert that does not exist. Neither log nor metrics hear of it. */
export async function testReceiver(exchange: Exchange, context: ApiContext, name: string): Promise<void> {
  const body = new OwnBody(exchange, ["labels", "annotations", "resolved"]);
  const integrations = context.state().dispatcher.pipeline.receivers.get(name);
  if (integrations === undefined)
    throw ApiError.coded(404, 404, `no route leads to a receiver ${JSON.stringify(name)}`);
  if (testsUnderWay >= MAX_TESTS) throw ApiError.coded(503, 503, "too many tests are under way, try again later");
  const alert = testAlert(body, context);
  const aborter = new AbortController();
  const deadline = context.clock.after(TEST_TIMEOUT_MS, () => aborter.abort(DEADLINE));
  testsUnderWay++;
  try {
    const outcomes = await Promise.all(
      integrations.map(async (integration) => {
        const delivery: Delivery = {
          receiver: name,
          groupKey: `test:${name}`,
          groupLabels: alert.labels,
          routeLabels: new Map(),
          routeId: "test",
          nowMs: context.clock.now(),
          repeatIntervalMs: TEST_TIMEOUT_MS,
          muteTimeIntervals: [],
          activeTimeIntervals: [],
          matchers: [],
          groupUuid: "",
          flushId: 0,
          mutedHashes: [],
          signal: aborter.signal,
          reason: "first notification",
          data: new Map(),
        };
        const shown = `${integration.name}[${integration.index}]`;
        try {
          return { integration: shown, outcome: "sent", answer: await integration.notifier.notify(delivery, [alert]) };
        } catch (error) {
          return { integration: shown, outcome: "failed", error: (error as Error).message };
        }
      }),
    );
    exchange.json(200, `${JSON.stringify({ receiver: name, integrations: outcomes })}\n`);
  } finally {
    testsUnderWay--;
    deadline.cancel();
  }
}

function testAlert(body: OwnBody, { clock }: ApiContext): Alert {
  const orElse = (given: Labels, fallback: Readonly<Record<string, string>>): Labels =>
    given.size > 0 ? given : Labels.fromObject(fallback);
  const labels = orElse(body.labels("labels"), LABELS);
  const now = Moment.fromMs(clock.now());
  return {
    labels,
    fingerprint: fingerprintOf(labels),
    annotations: orElse(body.labels("annotations"), ANNOTATIONS),
    startsAt: now,
    endsAt: body.flag("resolved") ? now : Moment.zero,
    updatedAt: now,
    generatorUrl: "",
    isTimeout: false,
  };
}
