// From the bytes of an OpenTelemetry request to samples in an appender: resources, scopes and metrics down to their points.
import { createHash } from "node:crypto";
import { WireReader } from "@narthex/encoding";
import type { Metadata } from "@narthex/model";
import type { OtlpConfig } from "../config/types.ts";
import type { SeriesCache } from "../remote/receive/series-cache.ts";
import { type Attribute, readAttribute } from "./attributes.ts";
import { Contexts, latin1, type MetricContext, type ResourceContext, type ScopeContext } from "./contexts.ts";
import type { DeltaStreams } from "./delta-streams.ts";
import {
  DataField,
  MetricField,
  RequestField,
  ResourceField,
  ResourceMetricsField,
  ScopeField,
  ScopeMetricsField,
  Temporality,
} from "./fields.ts";
import { addsSuffixes, allowsUtf8, LabelFault, LabelMaker } from "./label-maker.ts";
import { isSummable, type MetricHeader, readHeader, typeOf } from "./metric-header.ts";
import { metricName } from "./metric-name.ts";
import type { Fault, OtlpIntake } from "./otlp-intake.ts";
import { PointSeries } from "./point-series.ts";
import { PointTranslator } from "./point-translator.ts";
import { TargetInfo } from "./target-info.ts";
import { faultOf, Translation } from "./translation.ts";
import { unitName } from "./unit-name.ts";

/** Characters of what is remembered of resources, scopes and metrics. */
const MAX_CONTEXT_CHARS = 8 * 1024 * 1024;

export interface TranslatorOptions {
  readonly config: OtlpConfig;
  readonly cache: SeriesCache;
  readonly typeAndUnitLabels: boolean;
  /** Whether samples that count since the last one are taken as they are. */
  readonly takesDeltas: boolean;
  /** Where such samples are summed up; undefined where they are not. */
  readonly deltas: DeltaStreams | undefined;
  /** How long a sample is found; `target_info` is written twice as often. */
  readonly lookbackDeltaMs: number;
}

/** Translates by one configuration; another needs another. One request at a time, which runs straight through. */
export class Translator {
  readonly #options: TranslatorOptions;
  readonly #labels: LabelMaker;
  readonly #contexts: Contexts;
  readonly #reader = new WireReader(new Uint8Array(0));
  /** For messages that are read out of turn. */
  readonly #side = new WireReader(new Uint8Array(0));
  readonly #points: PointTranslator;
  #bytes: Uint8Array = new Uint8Array(0);
  #intake: OtlpIntake | undefined;
  #told = new Translation();
  #targetInfo: TargetInfo;

  constructor(options: TranslatorOptions) {
    this.#options = options;
    this.#labels = new LabelMaker({
      config: options.config,
      typeAndUnitLabels: options.typeAndUnitLabels,
      onCollision: (message) => this.#told.warn(message, "label_name_collision"),
    });
    this.#points = new PointTranslator(options, new PointSeries(options.cache, this.#labels));
    this.#targetInfo = this.#newTargetInfo();
    this.#contexts = new Contexts(MAX_CONTEXT_CHARS, () => options.cache.clear());
    // Numbers of contexts begin anew.
    options.cache.clear();
  }

  /** Reads `bytes[0, length)`; the intake takes all samples. Throws an `EncodingError` for bytes that are no request. */
  translate(bytes: Uint8Array, length: number, intake: OtlpIntake): Translation {
    this.#contexts.trim();
    this.#bytes = bytes;
    this.#intake = intake;
    const told = new Translation();
    this.#told = told;
    this.#targetInfo = this.#newTargetInfo();
    this.#points.begin(bytes, intake, told);
    try {
      this.#takeRequest(this.#reader.reset(bytes, 0, length) as WireReader);
    } finally {
      this.#bytes = new Uint8Array(0);
      this.#intake = undefined;
      this.#points.end();
    }
    return told;
  }

  #takeRequest(reader: WireReader): void {
    for (let field = reader.nextField(); field !== 0 && !this.#told.isFull; field = reader.nextField()) {
      if (field !== RequestField.resourceMetrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      this.#takeResource(reader);
      reader.leave(outer);
    }
  }

  #newTargetInfo(): TargetInfo {
    return new TargetInfo(this.#labels, this.#options.lookbackDeltaMs / 2);
  }

  #takeResource(reader: WireReader): void {
    const { position: start } = reader;
    let resourceStart = 0;
    let resourceEnd = 0;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== ResourceMetricsField.resource) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      resourceStart = reader.position;
      resourceEnd = reader.end;
      reader.leave(outer);
    }
    const resource = this.#resourceContext(resourceStart, resourceEnd);
    if (resource.labels instanceof LabelFault) {
      this.#told.fail(resource.labels.message);
      return;
    }
    const points = this.#points;
    points.minTime = Infinity;
    points.maxTime = -Infinity;
    reader.position = start;
    for (let field = reader.nextField(); field !== 0 && !this.#told.isFull; field = reader.nextField()) {
      if (field !== ResourceMetricsField.scopeMetrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      this.#takeScope(reader, resource);
      reader.leave(outer);
    }
    const { minTime, maxTime } = points;
    if (minTime <= maxTime) this.#targetInfo.add(resource, minTime, maxTime, this.#intake as OtlpIntake, this.#told);
  }

  #resourceContext(start: number, end: number): ResourceContext {
    const key = latin1(this.#bytes, start, end);
    return this.#contexts.resource(key, (id) => {
      const attributes = this.#attributesOf(start, end, ResourceField.attributes);
      const identity = this.#options.deltas === undefined ? "" : digest([key]);
      return { id, attributes, labels: this.#labels.resource(attributes), identity };
    });
  }

  #takeScope(reader: WireReader, resource: ResourceContext): void {
    const { position: start } = reader;
    let scopeStart = 0;
    let scopeEnd = 0;
    let schemaUrl = "";
    if (this.#options.config.promoteScopeMetadata) {
      for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
        if (field === ScopeMetricsField.scope) {
          const outer = reader.enter();
          scopeStart = reader.position;
          scopeEnd = reader.end;
          reader.leave(outer);
        } else if (field === ScopeMetricsField.schemaUrl) schemaUrl = reader.textField();
        else reader.skipField();
      }
      reader.position = start;
    }
    const scope = this.#scopeContext(resource, scopeStart, scopeEnd, schemaUrl);
    if (scope.labels instanceof LabelFault) {
      this.#told.fail(scope.labels.message);
      return;
    }
    for (let field = reader.nextField(); field !== 0 && !this.#told.isFull; field = reader.nextField()) {
      if (field !== ScopeMetricsField.metrics) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const fault = this.#takeMetric(reader, scope);
      if (fault !== undefined) this.#told.faults.push(fault);
      reader.leave(outer);
    }
  }

  #scopeContext(resource: ResourceContext, start: number, end: number, schemaUrl: string): ScopeContext {
    const content = `${schemaUrl.length} ${schemaUrl}${latin1(this.#bytes, start, end)}`;
    const key = `${resource.id} ${content}`;
    return this.#contexts.scope(key, (id) => {
      const attributes = this.#attributesOf(start, end, ScopeField.attributes);
      const side = this.#side.reset(this.#bytes, start, end) as WireReader;
      let name = "";
      let version = "";
      for (let field = side.nextField(); field !== 0; field = side.nextField()) {
        if (field === ScopeField.name) name = side.textField();
        else if (field === ScopeField.version) version = side.textField();
        else side.skipField();
      }
      const labels = this.#labels.scope(name, version, schemaUrl, attributes);
      const identity = this.#options.deltas === undefined ? "" : digest([resource.identity, content]);
      return { id, resource, labels, identity };
    });
  }

  /** A fault ends the metric, not the request. */
  #takeMetric(reader: WireReader, scope: ScopeContext): Fault | undefined {
    const header = readHeader(reader);
    const { name, kind, temporality } = header;
    if (kind === 0) {
      return faultOf(`could not get aggregation temporality for ${name} as it has unsupported metric type Empty`);
    }
    const hasTemporality = kind !== MetricField.gauge && kind !== MetricField.summary;
    const isSummedUp = temporality === Temporality.delta && this.#options.deltas !== undefined && isSummable(header);
    if (isSummedUp) header.temporality = Temporality.cumulative;
    const isDelta = temporality === Temporality.delta && !isSummedUp;
    if (
      hasTemporality &&
      !isSummedUp &&
      temporality !== Temporality.cumulative &&
      !(isDelta && this.#options.takesDeltas)
    ) {
      return faultOf(`invalid temporality and type combination for metric ${JSON.stringify(name)}`);
    }
    const context = this.#metricContext(scope, header);
    if (context.name instanceof LabelFault) return faultOf(context.name.message);
    if (header.pointCount === 0) {
      this.#told.warn(`empty data points. ${name} is dropped`, "empty_data_points");
      return undefined;
    }
    const way = isDelta ? "delta" : isSummedUp ? "summed up" : "as it is";
    reader.position = header.dataStart;
    reader.end = header.dataEnd;
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== DataField.points) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      const found = this.#points.take(reader, context, kind, way);
      reader.leave(outer);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #metricContext(scope: ScopeContext, header: MetricHeader): MetricContext {
    const { name, unit, description, kind, temporality, isMonotonic } = header;
    const key = `${scope.id} ${kind} ${temporality} ${isMonotonic} ${name.length} ${unit.length} ${name}${unit}${description}`;
    return this.#contexts.metric(key, (id) => {
      const { config } = this.#options;
      const named =
        kind === MetricField.gauge ? "gauge" : kind === MetricField.sum && isMonotonic ? "counter" : "other";
      const result = metricName(name, unit, named, {
        allowsUtf8: allowsUtf8(config),
        addsSuffixes: addsSuffixes(config),
      });
      const metadata: Metadata = { type: typeOf(header), unit: unitName(unit, false), help: description };
      const identity = this.#options.deltas === undefined ? "" : identityOf(scope, header);
      return { id, scope, name: "name" in result ? result.name : new LabelFault(result.fault), metadata, identity };
    });
  }

  /** Attributes that the message at `[start, end)` has as its field `wanted`. */
  #attributesOf(start: number, end: number, wanted: number): Attribute[] {
    const side = this.#side.reset(this.#bytes, start, end) as WireReader;
    const attributes: Attribute[] = [];
    for (let field = side.nextField(); field !== 0; field = side.nextField()) {
      if (field === wanted) attributes.push(readAttribute(side));
      else side.skipField();
    }
    return attributes;
  }
}

function identityOf({ identity }: ScopeContext, { name, unit, kind }: MetricHeader): string {
  return digest([identity, name, unit, String(kind)]);
}

/** A short text that stands for several. */
function digest(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length} ${part}`);
  return hash.digest("base64");
}
