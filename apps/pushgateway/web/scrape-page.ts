// The scrape page: the gateway's own metrics and whatever was pushed, merged and sorted, in one of three formats.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { NegotiatedFormat } from "@narthex/client";
import { WireWriter } from "@narthex/encoding";
import { compareStrings, escapeName } from "@narthex/model";
import { type Family, type Metric, withLabels } from "../family/family.ts";
import { pageName } from "../format/page-names.ts";
import { writeHeader, writeMetric } from "../format/protobuf-writer.ts";
import { OPENMETRICS_END, TextPage } from "../format/text-page.ts";
import { comparePageOrder } from "../store/family-index.ts";
import { type Group, MARKERS, markerLabels, markerMetric, markerTimes } from "../store/group.ts";
import type { MetricStore } from "../store/metric-store.ts";

/** A piece is handed on when it has so many bytes. */
const PIECE_BYTES = 64 * 1024;
/** After so much work other things get their turn. */
const SLICE_MS = 5;

/** All families of the page: own ones, pushed ones and the groups' markers. Nothing in it changes afterwards. */
export function pageFamilies(own: readonly Family[], store: MetricStore): Family[] {
  const byName = new Map(own.map((family) => [family.name, family]));
  const add = (family: Family): void => {
    const before = byName.get(family.name);
    const metrics =
      before === undefined ? family.metrics : [...before.metrics, ...family.metrics].sort(comparePageOrder);
    byName.set(family.name, before === undefined ? family : { ...before, metrics });
  };
  for (const family of store.families()) add(family);
  for (const family of markerFamilies(store.groups())) add(family);
  return [...byName.values()]
    .filter(({ metrics }) => metrics.length > 0)
    .sort((a, b) => compareStrings(a.name, b.name));
}

function markerFamilies(groups: readonly Group[]): Family[] {
  const labels = groups.map(markerLabels);
  return MARKERS.map((header, i) => ({
    ...header,
    metrics: groups
      .map((group, at) => markerMetric(labels[at] as readonly string[], markerTimes(group)[i]?.valueMs ?? 0))
      .sort(comparePageOrder),
  }));
}

/** Writes a page in pieces, so that a large one holds neither the memory nor the event loop. */
export async function* writePage(families: readonly Family[], format: NegotiatedFormat): AsyncGenerator<Buffer> {
  const page = format.format === "protobuf" ? new ProtobufPieces(format) : new TextPieces(format);
  let until = performance.now() + SLICE_MS;
  for (const family of families) {
    page.begin(family);
    for (const metric of family.metrics) {
      page.add(metric);
      if (page.length >= PIECE_BYTES) {
        yield page.take();
      }
      if (performance.now() > until) {
        await nextTurn();
        until = performance.now() + SLICE_MS;
      }
    }
    page.end();
  }
  page.finish();
  if (page.length > 0) yield page.take();
}

/** One format's writer. */
interface Pieces {
  readonly length: number;
  begin(family: Family): void;
  add(metric: Metric): void;
  end(): void;
  finish(): void;
  /** What is ready, which is then forgotten. */
  take(): Buffer;
}

class TextPieces implements Pieces {
  readonly #page: TextPage;
  readonly #isOpenMetrics: boolean;
  #text = "";
  #name = "";

  constructor({ format, escaping }: NegotiatedFormat) {
    this.#isOpenMetrics = format === "openmetrics";
    this.#page = new TextPage(this.#isOpenMetrics, escaping);
  }

  get length(): number {
    return this.#text.length;
  }

  begin(family: Family): void {
    this.#name = family.name;
    this.#text += this.#page.head(family);
  }

  add(metric: Metric): void {
    this.#text += this.#page.metric(this.#name, metric);
  }

  end(): void {}

  finish(): void {
    if (this.#isOpenMetrics) this.#text += OPENMETRICS_END;
  }

  take(): Buffer {
    const piece = Buffer.from(this.#text, "utf8");
    this.#text = "";
    return piece;
  }
}

/** A family is one message behind its length, so that it must be whole before any of it can go. */
class ProtobufPieces implements Pieces {
  readonly #escaping: NegotiatedFormat["escaping"];
  readonly #message = new WireWriter(PIECE_BYTES);
  #ready: WireWriter = new WireWriter(PIECE_BYTES);

  constructor({ escaping }: NegotiatedFormat) {
    this.#escaping = escaping;
  }

  get length(): number {
    return this.#ready.length;
  }

  begin(family: Family): void {
    this.#message.clear();
    writeHeader(this.#message, { ...family, name: pageName(family.name, this.#escaping) });
  }

  add(metric: Metric): void {
    const labels = metric.labels.map((text, i) => (i % 2 === 0 && text !== "" ? this.#label(text) : text));
    writeMetric(this.#message, withLabels(metric, labels));
  }

  end(): void {
    this.#ready.uvarint(this.#message.length);
    this.#ready.raw(this.#message.view());
  }

  finish(): void {}

  take(): Buffer {
    const piece = Buffer.from(this.#ready.toBytes());
    this.#ready.clear();
    return piece;
  }

  #label(name: string): string {
    return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name) ? name : escapeName(name, this.#escaping);
  }
}
