// Alerts on their way from a rule to the notifier.
import type { OutgoingAlert } from "../notifier/outgoing-alert.ts";
import type { Alert } from "./alert.ts";
import { tableLink } from "./template-functions.ts";

/** What Alertmanagers are told: a firing alert ends when it would not be heard of again, a resolved one ended when it did. */
export function outgoing({ query }: { query: string }, alerts: readonly Alert[], externalUrl: string): OutgoingAlert[] {
  const generatorUrl = `${externalUrl}${tableLink(query)}`;
  return alerts.map(({ labels, annotations, firedAt, resolvedAt, validUntil }) => ({
    labels,
    annotations,
    startsAt: firedAt,
    endsAt: resolvedAt !== 0 ? resolvedAt : validUntil,
    generatorUrl,
  }));
}
