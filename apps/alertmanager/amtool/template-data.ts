// What templates are expanded for: an example, or what a JSON file says.
import type { Json } from "../api/v2/json-scanner.ts";
import { pairsOf } from "../label/label-set.ts";
import { Moment } from "../moment/moment.ts";
import { parseRfc3339 } from "../moment/parse.ts";
import { AlertData, AlertList, KeyValues, type TemplateData } from "../template/data.ts";
import { ToolError } from "./tool-error.ts";

const MINUTE_MS = 60_000;
const COMMON_LABELS = { commonlabelkey1: "commonlabelvalue1", commonlabelkey2: "commonlabelvalue2" };
const COMMON_ANNOTATIONS = {
  commonannotationkey1: "commonannotationvalue1",
  commonannotationkey2: "commonannotationvalue2",
};

/** The reference's example, whose names its users' templates are tried out with. */
export function exampleData(nowMs: number): TemplateData {
  const labels = { label1: "value1", label2: "value2", instance: "foo.bar:1234", ...COMMON_LABELS };
  const annotations = { annotation1: "value1", annotation2: "value2", ...COMMON_ANNOTATIONS };
  const alert = (minutesAgo: number, number: number, own: AlertFields): AlertData =>
    alertData({
      ...own,
      startsAt: Moment.fromMs(nowMs - minutesAgo * MINUTE_MS),
      endsAt: Moment.fromMs(nowMs),
      generatorUrl: "https://generatorurl.com",
      fingerprint: `fingerprint${number}`,
    });
  const alerts = [
    alert(5, 1, { status: "firing", labels: pairs(labels), annotations: pairs(annotations) }),
    alert(10, 2, {
      status: "resolved",
      labels: pairs({ foo: "bar", baz: "qux", ...COMMON_LABELS }),
      annotations: pairs({ aaa: "bbb", ccc: "ddd", ...COMMON_ANNOTATIONS }),
    }),
  ];
  return {
    Receiver: "receiver",
    Status: "alertstatus",
    Alerts: AlertList.from(alerts) as AlertList,
    NotificationReason: "",
    GroupLabels: pairs({ grouplabelkey1: "grouplabelvalue1", grouplabelkey2: "grouplabelvalue2" }),
    CommonLabels: pairs(COMMON_LABELS),
    CommonAnnotations: pairs(COMMON_ANNOTATIONS),
    RouteLabels: new KeyValues(),
    ExternalURL: "https://example.com",
  };
}

/** Reads the shape of a webhook's body; what is missing is empty. Throws a `ToolError` for values of another type. */
export function dataFromJson(value: Json): TemplateData {
  const data = new Fields(value, "Data", "template.Data");
  return {
    Receiver: data.text("receiver"),
    Status: data.text("status"),
    Alerts: AlertList.from(data.items("alerts"), alertFromJson) as AlertList,
    NotificationReason: data.text("notification_reason"),
    GroupLabels: data.pairs("groupLabels"),
    CommonLabels: data.pairs("commonLabels"),
    CommonAnnotations: data.pairs("commonAnnotations"),
    RouteLabels: data.pairs("routeLabels"),
    ExternalURL: data.text("externalURL"),
  };
}

interface AlertFields {
  readonly status: string;
  readonly labels: KeyValues;
  readonly annotations: KeyValues;
}

function alertFromJson(value: Json): AlertData {
  const alert = new Fields(value, "Alert", "template.Alert");
  return alertData({
    status: alert.text("status"),
    labels: alert.pairs("labels"),
    annotations: alert.pairs("annotations"),
    startsAt: alert.time("startsAt"),
    endsAt: alert.time("endsAt"),
    generatorUrl: alert.text("generatorURL"),
    fingerprint: alert.text("fingerprint"),
  });
}

function alertData(
  own: AlertFields & {
    readonly startsAt: Moment;
    readonly endsAt: Moment;
    readonly generatorUrl: string;
    readonly fingerprint: string;
  },
): AlertData {
  const { status, labels, annotations, startsAt, endsAt, generatorUrl, fingerprint } = own;
  const alert = new AlertData(
    {
      labels: pairsOf(labels),
      annotations: pairsOf(annotations),
      startsAt,
      endsAt,
      generatorUrl,
      fingerprint,
      updatedAt: startsAt,
      isTimeout: false,
    },
    false,
  );
  // A file may name states that no alert has, and templates may ask for them.
  return Object.assign(alert, { Status: status });
}

function pairs(texts: Readonly<Record<string, string>>): KeyValues {
  return new KeyValues(Object.entries(texts));
}

/** An object of the file, with complaints as Go's decoder makes them. */
class Fields {
  readonly #fields: ReadonlyMap<string, Json>;
  readonly #name: string;

  constructor(value: Json, name: string, type: string) {
    this.#name = name;
    if (value !== null && !(value instanceof Map))
      throw new ToolError(`json: cannot unmarshal ${kindOf(value)} into Go value of type ${type}`);
    this.#fields = value ?? new Map();
  }

  text(name: string): string {
    const value = this.#fields.get(name) ?? "";
    return typeof value === "string" ? value : this.#refuse(name, value, "string");
  }

  pairs(name: string): KeyValues {
    const value = this.#fields.get(name) ?? new Map<string, Json>();
    if (!(value instanceof Map)) return this.#refuse(name, value, "template.KV");
    return new KeyValues(
      [...value].map(([key, text]): [string, string] => {
        const isText = typeof text === "string" || text === null;
        return [key, isText ? (text ?? "") : this.#refuse(name, text, "string")];
      }),
    );
  }

  items(name: string): readonly Json[] {
    const value = this.#fields.get(name) ?? [];
    return Array.isArray(value) ? value : this.#refuse(name, value, "template.Alerts");
  }

  time(name: string): Moment {
    const value = this.#fields.get(name) ?? null;
    if (value === null) return Moment.zero;
    const moment = typeof value === "string" ? parseRfc3339(value) : undefined;
    return moment ?? this.#refuse(name, value, "time.Time");
  }

  #refuse(field: string, value: Json, type: string): never {
    throw new ToolError(
      `json: cannot unmarshal ${kindOf(value)} into Go struct field ${this.#name}.${field} of type ${type}`,
    );
  }
}

function kindOf(value: Json): string {
  if (Array.isArray(value)) return "array";
  if (value instanceof Map) return "object";
  return typeof value === "boolean" ? "bool" : typeof value;
}
