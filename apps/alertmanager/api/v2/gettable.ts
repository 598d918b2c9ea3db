// Alerts and silences as the API shows them: fields and their order are the reference's.
import type { Labels } from "@narthex/model";
import type { Alert } from "../../alert/alert.ts";
import type { Moment } from "../../moment/moment.ts";
import { type Silence, type SilenceState, silenceState } from "../../silence/silence.ts";
import { goJson, goJsonString } from "../../template/go-json.ts";
import { isPlain, type JsonSink } from "./json-sink.ts";

export interface ShownStatus {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

/** What of an alert's JSON does not change: up to its receivers, up to its state, and the rest. */
interface AlertParts {
  readonly head: string;
  readonly start: string;
  readonly tail: string;
  readonly isPlain: boolean;
}

const alertParts = new WeakMap<Alert, AlertParts>();
const NOTHING = '"status":{"inhibitedBy":[],"mutedBy":[],"silencedBy":[],"state":"active"}';

export function labelsJson(labels: Labels): string {
  const parts: string[] = [];
  for (const [name, value] of labels) parts.push(`${goJsonString(name)}:${goJsonString(value)}`);
  return `{${parts.join(",")}}`;
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? "[]" : `[${texts.map((text) => goJsonString(text)).join(",")}]`;
}

export function receiversJson(names: readonly string[]): string {
  return names.map((name) => `{"name":${goJsonString(name)}}`).join(",");
}

/** One alert. Texts are put together by hand and kept with it: there may be ten thousand, asked for every few seconds. */
export function writeAlert(out: JsonSink, alert: Alert, status: ShownStatus, receivers: string): void {
  let parts = alertParts.get(alert);
  if (parts === undefined) alertParts.set(alert, (parts = makeParts(alert)));
  const state = statusJson(status);
  const { head, start, tail } = parts;
  if (parts.isPlain && (state === NOTHING || isPlain(state)) && isPlain(receivers)) {
    out.addPlain(head);
    out.addPlain(receivers);
    out.addPlain(start);
    out.addPlain(state);
    out.addPlain(tail);
  } else out.add(head + receivers + start + state + tail);
}

function statusJson({ silencedBy, inhibitedBy, mutedBy }: ShownStatus): string {
  if (silencedBy.length + inhibitedBy.length + mutedBy.length === 0) return NOTHING;
  return `"status":{"inhibitedBy":${list(inhibitedBy)},"mutedBy":${list(mutedBy)},"silencedBy":${list(silencedBy)},"state":"suppressed"}`;
}

function makeParts(alert: Alert): AlertParts {
  const url = alert.generatorUrl === "" ? "" : `"generatorURL":${goJsonString(alert.generatorUrl)},`;
  const head = `{"annotations":${labelsJson(alert.annotations)},"endsAt":"${alert.endsAt.toRfc3339Millis()}","fingerprint":"${alert.fingerprint}","receivers":[`;
  const start = `],"startsAt":"${alert.startsAt.toRfc3339Millis()}",`;
  const tail = `,"updatedAt":"${alert.updatedAt.toRfc3339Millis()}",${url}"labels":${labelsJson(alert.labels)}}`;
  return { head, start, tail, isPlain: isPlain(head) && isPlain(tail) };
}

/** One silence. */
export function silenceJson(silence: Silence, now: Moment): string {
  const { annotations, matcherSets } = silence;
  return goJson({
    id: silence.id,
    status: { state: silenceState(silence, now) },
    updatedAt: silence.updatedAt.toRfc3339Millis(),
    annotations: annotations.size === 0 ? undefined : annotations,
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: silence.endsAt.toRfc3339Millis(),
    matchers: (matcherSets[0] ?? []).map(({ isEqual, isRegex, name, value }) => ({ isEqual, isRegex, name, value })),
    startsAt: silence.startsAt.toRfc3339Millis(),
  });
}

const ORDER: readonly SilenceState[] = ["active", "pending", "expired"];

/** Active ones first, the next to end in front; then pending, the next to begin; then expired, the last one in front. */
export function compareSilences(a: Silence, b: Silence, now: Moment): number {
  const state = silenceState(a, now);
  const other = silenceState(b, now);
  if (state !== other) return ORDER.indexOf(state) - ORDER.indexOf(other);
  if (state === "active") return a.endsAt.compare(b.endsAt);
  return state === "pending" ? a.startsAt.compare(b.startsAt) : b.endsAt.compare(a.endsAt);
}
