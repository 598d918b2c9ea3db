// The body of `POST /alerts`.
import { Labels } from "@narthex/model";
import type { Alert } from "../../alert/alert.ts";
import { fingerprintOf, fingerprintOnce } from "../../label/fingerprint.ts";
import { pairsOf } from "../../label/label-set.ts";
import { Moment } from "../../moment/moment.ts";
import { ApiError } from "./api-error.ts";
import { Fields, mismatch, readBodyValue } from "./body.ts";

const BODY = "alerts";
const ITEM =
  'struct { Annotations models.LabelSet "json:\\"annotations,omitempty\\""; EndsAt strfmt.DateTime "json:\\"endsAt,omitempty\\""; StartsAt strfmt.DateTime "json:\\"startsAt,omitempty\\"" }';
const NO_LABELS = Labels.empty;

/** How long an alert without an end lasts, and alerts that are known, so that equal label sets and annotations stay one. */
export interface PostingOptions {
  readonly nowMs: number;
  readonly resolveTimeoutMs: number;
  readonly known: (fingerprint: string) => Alert | undefined;
}

/** Reads alerts; what is missing is filled in. Throws an `ApiError` for a body that is none. Alerts may still be invalid. */
export function readPostedAlerts(text: string, options: PostingOptions): Alert[] {
  const value = readBodyValue(text, BODY);
  if (value === null) return [];
  if (!Array.isArray(value)) throw mismatch(BODY, value, "Go value of type models.PostableAlerts");
  const drafts = value.map((item) => {
    const first = new Fields(item, BODY, "", ITEM);
    const second = new Fields(item, BODY, "Alert", ITEM);
    return {
      annotations: first.texts("annotations"),
      endsAt: first.time("endsAt"),
      startsAt: first.time("startsAt"),
      generatorUrl: second.plainText("generatorURL"),
      labels: second.texts("labels"),
    };
  });
  drafts.forEach(({ labels, generatorUrl = "" }, i) => {
    if (generatorUrl !== "" && !isRequestUri(generatorUrl))
      throw ApiError.wrongFormat(`${i}.generatorURL`, "body", "uri", generatorUrl);
    if (labels === undefined) throw ApiError.required(`${i}.labels`);
  });
  const now = Moment.fromMs(options.nowMs);
  return drafts.map(({ labels, annotations, startsAt = Moment.zero, endsAt = Moment.zero, generatorUrl = "" }) => {
    const posted = Labels.fromUnsorted(labels as ReadonlyMap<string, string>);
    const kept = options.known(fingerprintOnce(posted));
    const own = sameOrNew(kept?.labels, posted);
    const isTimeout = endsAt.isZero;
    return {
      labels: own,
      fingerprint: fingerprintOf(own),
      annotations: annotations === undefined ? NO_LABELS : sameOrNew(kept?.annotations, pairsOf(annotations)),
      startsAt: startsAt.isZero ? (isTimeout ? now : endsAt) : startsAt,
      endsAt: isTimeout ? now.plusMs(options.resolveTimeoutMs) : endsAt,
      generatorUrl,
      updatedAt: now,
      isTimeout,
    };
  });
}

/** What is known already, where it is equal: what is kept with it need not be worked out again, and nothing is held twice. */
function sameOrNew(kept: Labels | undefined, posted: Labels): Labels {
  return kept?.equals(posted) === true ? kept : posted;
}

/** What Go's `url.ParseRequestURI` accepts. */
function isRequestUri(text: string): boolean {
  if (/[\x00-\x1f\x7f]/.test(text) || /%(?![0-9a-fA-F]{2})/.test(text.split("?")[0] as string)) return false;
  if (text.startsWith("/")) return true;
  const rest = /^[a-zA-Z][a-zA-Z0-9+.-]*:(.*)$/s.exec(text)?.[1];
  if (rest === undefined) return false;
  const host = /^\/\/([^/?#]*)/.exec(rest)?.[1];
  return host === undefined || !/[ "<>]/.test(host);
}
