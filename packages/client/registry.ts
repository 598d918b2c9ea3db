// Registries: what is exposed together.
import { AlreadyRegisteredError } from "./errors.ts";
import { findSample } from "./find-sample.ts";
import type { EscapingScheme } from "./format/escaping.ts";
import type { Collector, FamilyHeader, FamilyWriter, PartialCollector } from "./format/family-writer.ts";
import {
  CHUNK_SIZE,
  type Chunk,
  type FamilyPart,
  type FormatWriter,
  type WriterOptions,
} from "./format/format-writer.ts";
import { isValidLabelName, isValidUtf8Name, renderLabels } from "./format/names.ts";
import { type ExpositionFormat, type NegotiatedFormat, negotiateFormat } from "./format/negotiation.ts";
import { OpenMetricsWriter } from "./format/openmetrics-writer.ts";
import { ProtobufWriter } from "./format/protobuf-writer.ts";
import { TextWriter } from "./format/text-writer.ts";
import { lintFamily } from "./lint.ts";
import { Budget } from "./series-budget.ts";
import { Slicer } from "./slicer.ts";

/** How a registry behaves. */
export interface RegistryOptions {
  /** Families by name (as the reference's, the default) or as they were registered. */
  readonly order?: "name" | "registration";
  /** Whether creation times are shown as samples (protobuf has them anyway); not unless asked. */
  readonly created?: boolean;
  /**
   * Told of each collector that failed; its families are left out and all others served. Without it, one failing
   * collector fails the exposition.
   */
  readonly onCollectError?: (error: unknown, collector: Collector) => void;
  /** What happens to metrics whose names or labels are against the conventions: nothing unless asked. */
  readonly lint?: "off" | "warn" | "throw";
  /** How many series all metrics together may have; each metric's `onMaxSeries` says what becomes of more. */
  readonly maxSeries?: number;
  /** At how many series to warn, once; never unless given. */
  readonly warnAtSeries?: number;
  /** Told of warnings; `console.warn` unless given. */
  readonly onWarning?: (message: string) => void;
}

/** An exposition and the Content-Type header that announces it. */
export interface Exposition<Body = string | Uint8Array> {
  readonly contentType: string;
  readonly body: Body;
}

/** What to expose, and how. */
export interface ExposeOptions {
  /** Only families with one of these names, or with samples of such a name. */
  readonly names?: readonly string[];
  readonly escaping?: EscapingScheme;
  /** Formats to choose from. */
  readonly formats?: readonly ExpositionFormat[];
  /** Told of collectors that fail, instead of the registry's own option. */
  readonly onCollectError?: (error: unknown, collector: Collector) => void;
}

/** Something that can be exposed: a registry, or a part of one. */
export interface Exposable {
  stream(format?: ExpositionFormat, options?: ExposeOptions): Promise<AsyncIterable<Uint8Array>>;
}

/** How several registries become one. */
export interface MergeOptions {
  /** What becomes of a family whose name an earlier registry has; "refuse" unless given. */
  readonly repeated?: "refuse" | "skip";
}

/** Several registries, exposed as one. What they hold later is shown, too. */
export interface MergedRegistries extends Exposable {
  /** Everything in the format that an Accept header asks for; in text without one. */
  expose(accept?: string, options?: ExposeOptions): Promise<Exposition>;
}

/** A set of collectors that are exposed together. Metrics register themselves when they are made. */
export class Registry implements Exposable {
  readonly #collectors = new Set<Collector>();
  readonly #owners = new Map<string, Collector>();
  readonly #options: RegistryOptions;
  readonly #budget: Budget;
  #targetInfo: { readonly labels: string; readonly utf8: boolean } | undefined;

  constructor(options: RegistryOptions = {}) {
    this.#options = options;
    this.#budget = new Budget(options.maxSeries ?? Infinity, options.warnAtSeries ?? Infinity, (series) =>
      this.#warn(`a metrics registry holds ${series} series; every one costs memory here and in Prometheus`),
    );
  }

  /** Throws when another collector has a family, or a sample, of the same name. Adding one twice is fine. */
  registerMetric(collector: Collector): void {
    if (this.#collectors.has(collector)) return;
    const headers = collector.describe();
    const names = headers.flatMap(sampleNames);
    for (const name of names) {
      const owner = this.#owners.get(name);
      if (owner !== undefined) throw new AlreadyRegisteredError(name, owner);
    }
    this.#lint(collector, headers);
    for (const name of names) this.#owners.set(name, collector);
    this.#collectors.add(collector);
    if (isPartial(collector)) collector.joined(this.#budget);
  }

  /** Another word for `registerMetric`. */
  register(collector: Collector): void {
    this.registerMetric(collector);
  }

  /**
   * The metric that has this one's name already, if it is of the same class and has the same labels; else registers this one and returns
   * it. Throws an AlreadyRegisteredError when the name belongs to something else.
   */
  getOrRegister<M extends Collector & { readonly labelNames?: readonly string[] }>(metric: M): M {
    for (const name of metric.describe().flatMap(sampleNames)) {
      const owner = this.#owners.get(name) as M | undefined;
      if (owner === undefined) continue;
      const alike = owner.constructor === metric.constructor && String(owner.labelNames) === String(metric.labelNames);
      if (!alike || owner.describe()[0]?.name !== metric.describe()[0]?.name)
        throw new AlreadyRegisteredError(name, owner);
      return owner;
    }
    this.registerMetric(metric);
    return metric;
  }

  /** Takes a collector out again. Tells whether it was in. */
  unregister(collector: Collector): boolean {
    if (!this.#collectors.delete(collector)) return false;
    for (const [name, owner] of this.#owners) if (owner === collector) this.#owners.delete(name);
    if (isPartial(collector)) collector.left(this.#budget);
    return true;
  }

  /** The collector that has a family of this name. */
  getSingleMetric(name: string): Collector | undefined {
    return this.#owners.get(name);
  }

  /** All collectors, in the order of their registration. */
  get collectors(): readonly Collector[] {
    return [...this.#collectors];
  }

  /** Number of series of all metrics made with this library. */
  get seriesCount(): number {
    return this.#budget.used;
  }

  /** Takes all collectors out. */
  clear(): void {
    for (const collector of this.#collectors) if (isPartial(collector)) collector.left(this.#budget);
    this.#collectors.clear();
    this.#owners.clear();
    this.#targetInfo = undefined;
  }

  /**
   * Facts about the whole target, shown as `target_info`; undefined or none take it away. Names may be any in UTF-8. Throws for those that
   * have no form in it.
   */
  setTargetInfo(facts: Readonly<Record<string, string>> | undefined): void {
    const names = Object.keys(facts ?? {});
    const invalid = names.filter((name) => !isValidUtf8Name(name));
    if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
    const values = Object.values(facts ?? {}).map((value) => value.toWellFormed());
    const utf8 = names.some((name) => !isValidLabelName(name));
    this.#targetInfo = names.length === 0 ? undefined : { labels: renderLabels(names, values), utf8 };
  }

  /** This registry's families of these names, or with samples of these names. Follows what is registered later. */
  restricted(names: readonly string[]): Exposable {
    return {
      stream: (format, options) => this.stream(format, { ...options, names }),
    };
  }

  /** Everything in the format that an Accept header asks for; in text without one. */
  async expose(accept?: "", options?: ExposeOptions): Promise<Exposition<string>>;
  async expose(accept: string | undefined, options?: ExposeOptions): Promise<Exposition>;
  async expose(accept?: string, options?: ExposeOptions): Promise<Exposition> {
    return this.#expose(accept, options);
  }

  async #expose(
    accept: string | undefined,
    options: ExposeOptions = {},
    others: readonly Registry[] = [],
    repeated: MergeOptions["repeated"] = "refuse",
  ): Promise<Exposition> {
    const { format, escaping, contentType }: NegotiatedFormat = negotiateFormat(
      accept,
      options.escaping,
      options.formats,
    );
    const pieces = await this.#pieces(format, { ...options, escaping }, others, repeated);
    return { contentType, body: await joined(format, pieces) };
  }

  /** Everything in one format. Collectors that must wait do so at the same time. */
  async metrics(format?: "text" | "openmetrics", options?: ExposeOptions): Promise<string>;
  async metrics(format: ExpositionFormat, options?: ExposeOptions): Promise<string | Uint8Array>;
  async metrics(format: ExpositionFormat = "text", options: ExposeOptions = {}): Promise<string | Uint8Array> {
    return joined(format, await this.#pieces(format, options));
  }

  /**
   * Several registries as one; the first one's options say how. Families of a name that an earlier one has are an error, which
   * `onCollectError` may take: then the earlier one's is shown. With `repeated: "skip"` it is shown, and that is no error.
   */
  static merged(registries: readonly Registry[], { repeated = "refuse" }: MergeOptions = {}): MergedRegistries {
    const [lead = new Registry(), ...others] = new Set(registries);
    return {
      expose: (accept, options) => lead.#expose(accept, options, others, repeated),
      stream: async (format = "text", options = {}) => encoded(await lead.#pieces(format, options, others, repeated)),
    };
  }

  /** The value of one sample of the text format, undefined when there is none. For tests. */
  async getSampleValue(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
    return findSample(await this.metrics("text"), name, labels);
  }

  /**
   * Everything in one format, piece by piece. When the promise resolves, all callbacks have run, and whatever may fail has: what then
   * follows is only written, in slices of a few milliseconds between which others have their turn.
   */
  async stream(format: ExpositionFormat = "text", options: ExposeOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    return encoded(await this.#pieces(format, options));
  }

  async #pieces(
    format: ExpositionFormat,
    options: ExposeOptions,
    others: readonly Registry[] = [],
    repeated: MergeOptions["repeated"] = "refuse",
  ): Promise<AsyncIterable<Chunk>> {
    const { collectors, fail } = await this.#refreshed(options, others);
    const writer = makeWriter(format, {
      escaping: options.escaping ?? "underscores",
      created: (this.#options.created ?? false) && !createdIsOff(),
      repeated,
    });
    for (const collector of collectors) {
      const mark = writer.mark();
      try {
        if (isPartial(collector)) writer.defer(collector.describe()[0] as FamilyHeader, collector);
        else collector.collect(writer);
      } catch (error) {
        writer.rewind(mark);
        fail(error, collector);
      }
    }
    if (options.names === undefined) this.#collectOwn(writer, others);
    return written(writer, this.#options.order !== "registration");
  }

  /** Brings everything up to date. What failed is not among the collectors that it returns. */
  async #refreshed(
    options: ExposeOptions,
    others: readonly Registry[] = [],
  ): Promise<{ collectors: Collector[]; fail: (error: unknown, collector: Collector) => void }> {
    const registries = [this, ...others];
    const all = new Set(registries.flatMap((registry) => [...registry.#collectors]));
    const collectors = [...all].filter((collector) => isWanted(collector, options.names));
    const failed = new Set<Collector>();
    const fail = (error: unknown, collector: Collector): void => {
      const owner = registries.find((registry) => registry.#collectors.has(collector)) ?? this;
      const onError = options.onCollectError ?? owner.#options.onCollectError;
      if (onError === undefined) throw error;
      failed.add(collector);
      onError(error, collector);
    };
    const waiting: Promise<void>[] = [];
    for (const collector of collectors) {
      try {
        const refreshed = collector.refresh?.();
        if (refreshed !== undefined) waiting.push(refreshed.catch((error: unknown) => fail(error, collector)));
      } catch (error) {
        // Not thrown from here: those that are under way would then reject with nobody to hear it, which ends the process.
        waiting.push(Promise.reject(error).catch(() => fail(error, collector)));
      }
    }
    if (waiting.length > 0) await Promise.all(waiting);
    return { collectors: collectors.filter((collector) => !failed.has(collector)), fail };
  }

  /** Brings everything up to date, and has it written in one go, in the order of registration. */
  async collectInto(writer: FamilyWriter, options: ExposeOptions = {}): Promise<void> {
    const { collectors, fail } = await this.#refreshed(options);
    for (const collector of collectors) {
      try {
        collector.collect(writer);
      } catch (error) {
        fail(error, collector);
      }
    }
  }

  /** What registries themselves have to say; most of the time nothing. */
  #collectOwn(writer: FormatWriter<PartialCollector>, others: readonly Registry[]): void {
    const registries = [this, ...others];
    const isTaken = (name: string): boolean => registries.some((registry) => registry.#owners.has(name));
    const metrics = [...new Set(registries.flatMap((registry) => [...registry.#collectors]))].filter(isPartial);
    const families: [FamilyHeader, "refusedSeries" | "callbackErrors"][] = [
      [REFUSED, "refusedSeries"],
      [CALLBACK_ERRORS, "callbackErrors"],
    ];
    for (const [header, count] of families) {
      // Several registries may each have a metric of one name.
      const counts = new Map<string, number>();
      for (const metric of metrics) {
        const name = metric.describe()[0]?.name ?? "";
        if (metric[count] > 0) counts.set(name, (counts.get(name) ?? 0) + metric[count]);
      }
      if (counts.size === 0 || isTaken(header.name)) continue;
      writer.family(header);
      for (const [name, value] of counts) writer.value(renderLabels(["metric"], [name]), value, 0);
    }
    const facts = registries.map((registry) => registry.#targetInfo).find((found) => found !== undefined);
    if (facts === undefined || isTaken(TARGET_INFO.name)) return;
    writer.family({ ...TARGET_INFO, utf8: facts.utf8 });
    writer.value(facts.labels, 1, 0);
  }

  #lint(collector: Collector, headers: readonly FamilyHeader[]): void {
    const mode = this.#options.lint ?? "off";
    if (mode === "off") return;
    const { labelNames } = collector as { readonly labelNames?: readonly string[] };
    for (const header of headers) {
      for (const complaint of lintFamily(header, labelNames ?? [])) {
        if (mode === "throw") throw new Error(`${header.name} ${complaint}`);
        this.#warn(`${header.name} ${complaint}`);
      }
    }
  }

  #warn(message: string): void {
    if (this.#options.onWarning === undefined) console.warn(message);
    else this.#options.onWarning(message);
  }
}

const REFUSED: FamilyHeader = {
  name: "prometheus_client_dropped_series_total",
  help: "Label sets that were turned away because their metric, or the registry, had no room for them.",
  type: "counter",
  unit: "",
};
const CALLBACK_ERRORS: FamilyHeader = {
  name: "prometheus_client_callback_errors_total",
  help: "Values that are missing because the function that reads them threw.",
  type: "counter",
  unit: "",
};
const TARGET_INFO: FamilyHeader = { name: "target_info", help: "Target metadata", type: "info", unit: "" };

/** At how many series the registry of the process warns. */
const WARN_AT_SERIES = 10_000;

// There is one per process, even if the library is loaded more than once, as an ES module and by `require`.
const shared = globalThis as { [key: symbol]: Registry | undefined };
const KEY = Symbol.for("@narthex/client.register.v1");

/** The registry of the process, where metrics go that were not told otherwise. */
export const register: Registry = (shared[KEY] ??= new Registry({ warnAtSeries: WARN_AT_SERIES }));

/** Writes families one after the other; large ones in slices, small ones gathered. */
async function* written(writer: FormatWriter<PartialCollector>, sorted: boolean): AsyncGenerator<Chunk> {
  const slicer = new Slicer();
  let text = "";
  const parts = writer.finish(sorted);
  for (let i = 0; i <= parts.length; i++) {
    const part = parts[i];
    for (const chunk of part === undefined ? [writer.end()] : partChunks(writer, part, slicer)) {
      if (chunk === undefined) {
        await slicer.pause();
      } else if (typeof chunk !== "string") {
        yield chunk;
      } else {
        text += chunk;
        if (text.length < CHUNK_SIZE) continue;
        yield text;
        text = "";
      }
    }
    if (slicer.isOver()) await slicer.pause();
  }
  if (text !== "") yield text;
}

/** A family's pieces; undefined where others should have their turn. */
function* partChunks(
  writer: FormatWriter<PartialCollector>,
  part: FamilyPart<PartialCollector>,
  slicer: Slicer,
): Generator<Chunk | undefined> {
  if (part.source === undefined) {
    if (part.chunk !== undefined) yield part.chunk;
    return;
  }
  writer.reopen(part);
  const writeSome = part.source.parts(writer);
  for (let more = true; more; ) {
    more = writeSome();
    const chunk = writer.take();
    if (chunk !== undefined) yield chunk;
    if (more && slicer.isOver()) yield undefined;
  }
  yield writer.seal();
}

/** Chunks of text as bytes. */
async function* encoded(chunks: AsyncIterable<Chunk>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const chunk of chunks)
    if (chunk.length > 0) yield typeof chunk === "string" ? encoder.encode(chunk) : chunk;
}

/** All chunks as one text, or as bytes where the format is none. */
async function joined(format: ExpositionFormat, chunks: AsyncIterable<Chunk>): Promise<string | Uint8Array> {
  let text = "";
  const found: Uint8Array[] = [];
  for await (const chunk of chunks) {
    if (typeof chunk === "string") text += chunk;
    else found.push(chunk);
  }
  return format === "protobuf" ? joinedBytes(found) : text;
}

/** All of them in one array. */
export function joinedBytes(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

function makeWriter(format: ExpositionFormat, options: WriterOptions): FormatWriter<PartialCollector> {
  switch (format) {
    case "text":
      return new TextWriter(options);
    case "openmetrics":
      return new OpenMetricsWriter(options);
    case "protobuf":
      return new ProtobufWriter(options);
    default:
      throw new TypeError(`unknown exposition format "${String(format)}"`);
  }
}

function isPartial(collector: Collector): collector is PartialCollector {
  return typeof (collector as Partial<PartialCollector>).parts === "function";
}

function isWanted(collector: Collector, names: readonly string[] | undefined): boolean {
  if (names === undefined) return true;
  const own = collector.describe();
  // Who does not say what it has is asked.
  return own.length === 0 || own.flatMap(sampleNames).some((name) => names.includes(name));
}

/** The variable by which client libraries are told to leave creation times out. */
function createdIsOff(): boolean {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return /^true$/i.test(process?.env?.["PROMETHEUS_DISABLE_CREATED_SERIES"] ?? "");
}

/** All names that samples of a family may bear, in any format. */
function sampleNames(header: FamilyHeader): string[] {
  const { name } = header;
  switch (header.type) {
    case "histogram":
    case "gaugehistogram":
      return [name, `${name}_bucket`, `${name}_sum`, `${name}_count`];
    case "summary":
      return [name, `${name}_sum`, `${name}_count`];
    default:
      return [name];
  }
}
