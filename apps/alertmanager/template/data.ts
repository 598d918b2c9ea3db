// What notification templates see, and what webhooks send: the shape of the data is part of the reference's interface.
import { compareStrings, type Labels } from "@narthex/model";
import type { Alert } from "../alert/alert.ts";
import { GoTime } from "./go-time.ts";

/** A list of texts. */
export class Strings extends Array<string> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  Join(separator: unknown): string {
    return this.join(String(separator));
  }
}

export interface Pair {
  readonly Name: string;
  readonly Value: string;
}

/** Name and value pairs in order. */
export class Pairs extends Array<Pair> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  Names(): Strings {
    return Strings.from(this, ({ Name }) => Name) as Strings;
  }

  Values(): Strings {
    return Strings.from(this, ({ Value }) => Value) as Strings;
  }

  toGoString(): string {
    return Array.from(this, ({ Name, Value }) => `${Name}=${Value}`).join(", ");
  }
}

/** Labels or annotations by name. */
export class KeyValues extends Map<string, string> {
  /** `alertname` first, then by name. */
  SortedPairs(): Pairs {
    const names = [...this.keys()].sort(
      (a, b) => Number(b === "alertname") - Number(a === "alertname") || compareStrings(a, b),
    );
    return Pairs.from(names, (Name) => ({ Name, Value: this.get(Name) as string })) as Pairs;
  }

  Remove(names: unknown): KeyValues {
    const without = new Set(Array.isArray(names) ? names : []);
    return new KeyValues([...this].filter(([name]) => !without.has(name)));
  }

  Names(): Strings {
    return this.SortedPairs().Names();
  }

  Values(): Strings {
    return this.SortedPairs().Values();
  }

  toGoString(): string {
    return this.SortedPairs().toGoString();
  }
}

/** One alert, as it is told. */
export class AlertData {
  readonly Status: string;
  readonly Labels: KeyValues;
  readonly Annotations: KeyValues;
  readonly StartsAt: GoTime;
  readonly EndsAt: GoTime;
  readonly GeneratorURL: string;
  readonly Fingerprint: string;

  constructor(alert: Alert, isResolved: boolean) {
    this.Status = isResolved ? "resolved" : "firing";
    this.Labels = new KeyValues(alert.labels);
    this.Annotations = new KeyValues(alert.annotations);
    this.StartsAt = new GoTime(alert.startsAt);
    this.EndsAt = new GoTime(alert.endsAt);
    this.GeneratorURL = alert.generatorUrl;
    this.Fingerprint = alert.fingerprint;
  }

  toJSON(): object {
    return {
      status: this.Status,
      labels: this.Labels,
      annotations: this.Annotations,
      startsAt: this.StartsAt,
      endsAt: this.EndsAt,
      generatorURL: this.GeneratorURL,
      fingerprint: this.Fingerprint,
    };
  }
}

export class AlertList extends Array<AlertData> {
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  Firing(): AlertData[] {
    return this.filter(({ Status }) => Status === "firing");
  }

  Resolved(): AlertData[] {
    return this.filter(({ Status }) => Status === "resolved");
  }
}

/** The dot of every notification template. */
export interface TemplateData {
  readonly Receiver: string;
  readonly Status: string;
  readonly Alerts: AlertList;
  readonly NotificationReason: string;
  readonly GroupLabels: KeyValues;
  readonly CommonLabels: KeyValues;
  readonly CommonAnnotations: KeyValues;
  readonly RouteLabels: KeyValues;
  readonly ExternalURL: string;
}

/** What the data is made from. `alerts` have no end unless they are resolved. */
export interface DataSource {
  readonly receiver: string;
  readonly groupLabels: Labels;
  readonly routeLabels: ReadonlyMap<string, string>;
  readonly reason: string;
  readonly alerts: readonly Alert[];
  readonly isResolved: (alert: Alert) => boolean;
  readonly externalUrl: string;
}

/** Characters that mean something in a pattern: the receiver's name is used as one in links to the page. */
const PATTERN_CHARACTERS = /[\\.+*?()|[\]{}^$]/g;

export function templateData(source: DataSource): TemplateData {
  const { alerts, isResolved } = source;
  return {
    Receiver: source.receiver.replace(PATTERN_CHARACTERS, "\\$&"),
    Status: alerts.some((alert) => !isResolved(alert)) ? "firing" : "resolved",
    Alerts: AlertList.from(alerts, (alert) => new AlertData(alert, isResolved(alert))) as AlertList,
    NotificationReason: source.reason,
    GroupLabels: new KeyValues(source.groupLabels),
    CommonLabels: common(alerts.map(({ labels }) => labels)),
    CommonAnnotations: common(alerts.map(({ annotations }) => annotations)),
    RouteLabels: new KeyValues(source.routeLabels),
    ExternalURL: source.externalUrl,
  };
}

/** The pairs that are in all of them. */
function common(sets: readonly Labels[]): KeyValues {
  const [first, ...others] = sets;
  const shared = new KeyValues(first);
  for (const set of others) {
    if (shared.size === 0) break;
    for (const [name, value] of shared) if (set.get(name) !== value) shared.delete(name);
  }
  return shared;
}

/** The data as webhooks send it. */
export function dataToJson(data: TemplateData): Record<string, unknown> {
  return {
    receiver: data.Receiver,
    status: data.Status,
    alerts: data.Alerts,
    notification_reason: data.NotificationReason,
    groupLabels: data.GroupLabels,
    commonLabels: data.CommonLabels,
    commonAnnotations: data.CommonAnnotations,
    routeLabels: data.RouteLabels,
    externalURL: data.ExternalURL,
  };
}
