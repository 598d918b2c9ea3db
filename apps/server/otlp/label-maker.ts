// Label sets of OpenTelemetry's points: what comes from the point, its resource and its scope, and who wins.
import { compareStrings, Labels, METRIC_NAME, type Metadata } from "@narthex/model";
import type { OtlpConfig } from "../config/types.ts";
import type { Attribute } from "./attributes.ts";
import { type LabelNameOptions, labelName } from "./label-name.ts";
import { unitName } from "./unit-name.ts";

const SERVICE_NAMESPACE = "service.namespace";
const SERVICE_NAME = "service.name";
const SERVICE_INSTANCE = "service.instance.id";
const IDENTIFYING: ReadonlySet<string> = new Set([SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE]);

/** Why labels cannot be made. */
export class LabelFault {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** What all points of a resource share. */
export interface ResourceLabels {
  /** "" where the resource does not say. */
  readonly job: string;
  readonly instance: string;
  readonly promoted: readonly Attribute[];
}

/** Labels that all points of a scope share, names made. */
export type ScopeLabels = readonly Attribute[];

export interface LabelMakerOptions {
  readonly config: OtlpConfig;
  /** Whether series get `__type__` and `__unit__`. */
  readonly typeAndUnitLabels: boolean;
  /** Told of keys that make the same label, so that their values are joined. */
  readonly onCollision: (message: string) => void;
}

/** Names kept made; cleared when there are more, as those who send choose them. */
const MAX_KNOWN_NAMES = 4096;

/** Makes labels by one configuration. */
export class LabelMaker {
  readonly #config: OtlpConfig;
  readonly #names: LabelNameOptions;
  readonly #typeAndUnitLabels: boolean;
  readonly #onCollision: (message: string) => void;
  readonly #promotes: (key: string) => boolean;
  readonly #known = new Map<string, string | LabelFault>();

  constructor({ config, typeAndUnitLabels, onCollision }: LabelMakerOptions) {
    this.#config = config;
    this.#typeAndUnitLabels = typeAndUnitLabels;
    this.#onCollision = onCollision;
    this.#names = {
      allowsUtf8: allowsUtf8(config),
      guardsUnderscore: config.labelNameUnderscoreSanitization,
      keepsUnderscores: config.labelNamePreserveMultipleUnderscores,
    };
    const ignored = new Set(config.ignoreResourceAttributes);
    const promoted = new Set(config.promoteResourceAttributes);
    this.#promotes = config.promoteAllResourceAttributes ? (key) => !ignored.has(key) : (key) => promoted.has(key);
  }

  resource(attributes: readonly Attribute[]): ResourceLabels | LabelFault {
    const find = (key: string): string | undefined => attributes.find(([name]) => name === key)?.[1];
    const service = find(SERVICE_NAME);
    const namespace = find(SERVICE_NAMESPACE);
    const promoted: Attribute[] = [];
    for (const [key, value] of attributes) {
      if (!this.#promotes(key)) continue;
      const name = this.#name(key);
      if (name instanceof LabelFault) return name;
      promoted.push([name, value]);
    }
    return {
      job: service === undefined ? "" : namespace === undefined ? service : `${namespace}/${service}`,
      instance: find(SERVICE_INSTANCE) ?? "",
      promoted,
    };
  }

  /** Empty where scopes do not show in labels: unless configured, and for those without a name. */
  scope(name: string, version: string, schemaUrl: string, attributes: readonly Attribute[]): ScopeLabels | LabelFault {
    if (!this.#config.promoteScopeMetadata || name === "") return [];
    const labels: Attribute[] = [];
    for (const [key, value] of attributes) {
      const made = this.#name(`otel_scope_${key}`);
      if (made instanceof LabelFault) return made;
      labels.push([made, value]);
    }
    labels.push(["otel_scope_name", name], ["otel_scope_version", version], ["otel_scope_schema_url", schemaUrl]);
    return labels;
  }

  /**
   * The labels of a point's series. `extra` stands above everything else: `le` or `quantile`. The point's own attributes
   * come before promoted ones; job, instance and the scope come before both.
   */
  point(
    attributes: readonly Attribute[],
    resource: ResourceLabels,
    scope: ScopeLabels,
    metadata: Metadata,
    name: string,
    extra: Attribute | undefined,
  ): Labels | LabelFault {
    const labels = this.#ownLabels(attributes, (key) => key === METRIC_NAME, "data point");
    if (labels instanceof LabelFault) return labels;
    for (const [key, value] of resource.promoted) if (!labels.get(key)) labels.set(key, value);
    identify(labels, resource);
    for (const [key, value] of scope) labels.set(key, value);
    if (this.#typeAndUnitLabels) {
      if (metadata.type !== "unknown") labels.set("__type__", metadata.type);
      if (metadata.unit !== "") labels.set("__unit__", unitName(metadata.unit, this.#names.allowsUtf8));
    }
    labels.set(METRIC_NAME, name);
    if (extra !== undefined) labels.set(extra[0], extra[1]);
    return Labels.fromUnsorted(labels);
  }

  /** The labels of `target_info`; undefined where it would tell nothing, or of nobody. */
  targetInfo(attributes: readonly Attribute[], resource: ResourceLabels): Labels | undefined | LabelFault {
    const identifying = new Set(attributes.map(([key]) => key).filter((key) => IDENTIFYING.has(key)));
    if (attributes.length - identifying.size === 0) return undefined;
    const keeps = this.#config.keepIdentifyingResourceAttributes;
    const labels = this.#ownLabels(attributes, (key) => !keeps && IDENTIFYING.has(key), "resource");
    if (labels instanceof LabelFault) return labels;
    identify(labels, resource);
    if (!labels.get("job") && !labels.get("instance")) return undefined;
    labels.set(METRIC_NAME, "target_info");
    return Labels.fromUnsorted(labels);
  }

  /** Attributes as labels, in the order of their keys; of those that make the same name the values are joined. */
  #ownLabels(
    attributes: readonly Attribute[],
    isIgnored: (key: string) => boolean,
    source: string,
  ): Map<string, string> | LabelFault {
    const sorted = attributes.filter(([key]) => !isIgnored(key)).sort(([a], [b]) => compareStrings(a, b));
    const labels = new Map<string, string>();
    for (const [i, [key, value]] of sorted.entries()) {
      if (this.#names.allowsUtf8) {
        if (sorted[i - 1]?.[0] === key) return new LabelFault(`label name "${key}" is not unique: invalid sample`);
        if (key === "") return new LabelFault("label name is empty");
        labels.set(key, value);
        continue;
      }
      const name = this.#name(key);
      if (name instanceof LabelFault) return name;
      const before = labels.get(name);
      if (!before) {
        labels.set(name, value);
        continue;
      }
      labels.set(name, `${before};${value}`);
      const keys = sorted.filter(([other]) => this.#name(other) === name).map(([other]) => JSON.stringify(other));
      this.#onCollision(
        `OTLP ${source} attributes ${keys.join(", ")} collide as label ${JSON.stringify(name)} after name sanitization, values are concatenated with ';'`,
      );
    }
    return labels;
  }

  #name(key: string): string | LabelFault {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const result = labelName(key, this.#names);
    const made = "name" in result ? result.name : new LabelFault(result.fault);
    if (this.#known.size >= MAX_KNOWN_NAMES) this.#known.clear();
    this.#known.set(key, made);
    return made;
  }
}

/** Whether names keep all their characters. */
export function allowsUtf8({ translationStrategy }: OtlpConfig): boolean {
  return translationStrategy === "NoTranslation" || translationStrategy === "NoUTF8EscapingWithSuffixes";
}

/** Whether names get suffixes for unit and type. */
export function addsSuffixes({ translationStrategy }: OtlpConfig): boolean {
  return (
    translationStrategy === "UnderscoreEscapingWithSuffixes" || translationStrategy === "NoUTF8EscapingWithSuffixes"
  );
}

function identify(labels: Map<string, string>, { job, instance }: ResourceLabels): void {
  if (job !== "") labels.set("job", job);
  if (instance !== "") labels.set("instance", instance);
}
