// An alert on its way to Alertmanagers, and how version 2 of their API writes it.
import type { Labels } from "@narthex/model";

/** Times in milliseconds since the epoch. */
export interface OutgoingAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: number;
  /** When it was resolved; while it fires, until when it counts as firing unless it is sent again. */
  readonly endsAt: number;
  /** Where the expression behind it can be looked at. */
  readonly generatorUrl: string;
}

/** The body of `POST /api/v2/alerts`. Source of the shape: Alertmanager's OpenAPI description, `postableAlerts`. */
export function encodeAlerts(alerts: readonly OutgoingAlert[]): Buffer {
  return Buffer.from(
    JSON.stringify(
      alerts.map(({ labels, annotations, startsAt, endsAt, generatorUrl }) => ({
        annotations: annotations.toObject(),
        endsAt: new Date(endsAt).toISOString(),
        startsAt: new Date(startsAt).toISOString(),
        generatorURL: generatorUrl,
        labels: labels.toObject(),
      })),
    ),
    "utf8",
  );
}
