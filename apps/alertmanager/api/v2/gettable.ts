// Alerts and silences as the API shows them: fields and their order are the reference's.
import type { Labels } from "@narthex/model";
import type { Alert } from "../../alert/alert.ts";
import { type Silence, type SilenceState, silenceState } from "../../silence/silence.ts";
import type { Moment } from "../../moment/moment.ts";
import { goJson, goJsonString } from "../../template/go-json.ts";

export interface ShownStatus {
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

const labelJson = new WeakMap<Labels, string>();

/** Kept with the label set. */
export function labelsJson(labels: Labels): string {
  let json = labelJson.get(labels);
  if (json === undefined) {
    const parts: string[] = [];
    for (const [name, value] of labels) parts.push(`${goJsonString(name)}:${goJsonString(value)}`);
    json = `{${parts.join(",")}}`;
    labelJson.set(labels, json);
  }
  return json;
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? "[]" : `[${texts.map((text) => goJsonString(text)).join(",")}]`;
}

/** One alert. Texts are put together by hand: there may be ten thousand of them. */
export function alertJson(alert: Alert, status: ShownStatus, receivers: readonly string[]): string {
  const isSuppressed = status.silencedBy.length + status.inhibitedBy.length + status.mutedBy.length > 0;
  const url = alert.generatorUrl === "" ? "" : `"generatorURL":${goJsonString(alert.generatorUrl)},`;
  return (
    `{"annotations":${labelsJson(alert.annotations)},"endsAt":"${alert.endsAt.toRfc3339Millis()}",` +
    `"fingerprint":"${alert.fingerprint}","receivers":[${receivers.map((name) => `{"name":${goJsonString(name)}}`).join(",")}],` +
    `"startsAt":"${alert.startsAt.toRfc3339Millis()}","status":{"inhibitedBy":${list(status.inhibitedBy)},` +
    `"mutedBy":${list(status.mutedBy)},"silencedBy":${list(status.silencedBy)},` +
    `"state":"${isSuppressed ? "suppressed" : "active"}"},"updatedAt":"${alert.updatedAt.toRfc3339Millis()}",` +
    `${url}"labels":${labelsJson(alert.labels)}}`
  );
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
