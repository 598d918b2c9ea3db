// The text format, versions 0.0.4 and 1.0.0 (which differ only in that the latter may quote names). Source: Prometheus "Exposition
// formats"; layout of numbers and the order of a family's lines as client_golang writes them.
import { SampleNames } from "./escaping.ts";
import type { FamilyHeader, FamilyType, SampleExtras } from "./family-writer.ts";
import { CHUNK_BYTES, FormatWriter } from "./format-writer.ts";
import { escapeHelp } from "./names.ts";
import { formatValue } from "./number-format.ts";
import { TextBuffer } from "./text-buffer.ts";

const TYPE_WORDS: Record<FamilyType, string> = {
  counter: "counter",
  gauge: "gauge",
  histogram: "histogram",
  gaugehistogram: "histogram",
  summary: "summary",
  info: "gauge",
  stateset: "gauge",
  unknown: "untyped",
};

/** Writes text; creation times, if asked for, as gauges of their own, which follow the family. */
export class TextWriter<Source = unknown> extends FormatWriter<Source> {
  readonly #out = new TextBuffer();
  #names = new SampleNames("");
  /** Creation times of the family, and where they are shown; undefined where they are not. */
  #created: { readonly names: SampleNames; readonly help: string; readonly out: TextBuffer } | undefined;
  #bounds: readonly number[] = [];
  #boundTexts: string[] = [];

  protected override begin(header: FamilyHeader, name: string): void {
    this.#names = new SampleNames(name);
    const shown = this.#names.inComments;
    const help = header.help === "" ? "" : `# HELP ${shown} ${escapeHelp(header.help, false)}\n`;
    this.#out.text(`${help}# TYPE ${shown} ${TYPE_WORDS[header.type]}\n`);
    this.#created = undefined;
    if (this.created && (header.type === "counter" || header.type === "histogram" || header.type === "summary")) {
      const stem = header.type === "counter" ? name.replace(/_total$/, "") : name;
      this.#created = { names: new SampleNames(`${stem}_created`), help: header.help, out: new TextBuffer() };
    }
  }

  override take(): Uint8Array | undefined {
    return this.#out.length < CHUNK_BYTES ? undefined : this.#out.take();
  }

  override seal(): Uint8Array {
    if (this.#created === undefined || this.#created.out.length === 0) return this.#out.take();
    const { help } = this.#created;
    const shown = this.#created.names.inComments;
    if (help !== "") this.#out.text(`# HELP ${shown} ${escapeHelp(help, false)}\n`);
    this.#out.text(`# TYPE ${shown} gauge\n`);
    const before = this.#out.take();
    const times = this.#created.out.take();
    const joined = new Uint8Array(before.length + times.length);
    joined.set(before);
    joined.set(times, before.length);
    return joined;
  }

  override end(): Uint8Array {
    return this.#out.take();
  }

  override value(labels: string, value: number, created: number, extras?: SampleExtras): void {
    const out = this.#out;
    const rendered = this.labels(labels);
    this.#names.write(out, "", rendered);
    out.value(value);
    if (extras?.timestamp !== undefined) out.text(` ${Math.round(extras.timestamp * 1000)}`);
    out.text("\n");
    if (this.#created !== undefined) this.#noteCreated(rendered, created);
  }

  override histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
  ): void {
    if (bounds !== this.#bounds) {
      this.#bounds = bounds;
      this.#boundTexts = [...bounds.map((bound) => `le="${formatValue(bound)}"} `), 'le="+Inf"} '];
    }
    const out = this.#out;
    const rendered = this.labels(labels);
    for (let i = 0; i <= bounds.length; i++) {
      this.#names.writeOpen(out, "_bucket", rendered);
      out.text(this.#boundTexts[i] as string);
      out.value(cumulative[i] as number);
      out.text("\n");
    }
    this.#sumAndCount(rendered, sum, cumulative[bounds.length] as number);
    if (this.#created !== undefined) this.#noteCreated(rendered, created);
  }

  override summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void {
    const out = this.#out;
    const rendered = this.labels(labels);
    for (let i = 0; i < quantiles.length; i++) {
      this.#names.writeOpen(out, "", rendered);
      out.text(`quantile="${formatValue(quantiles[i] as number)}"} `);
      out.value(values[i] as number);
      out.text("\n");
    }
    this.#sumAndCount(rendered, sum, count);
    if (this.#created !== undefined) this.#noteCreated(rendered, created);
  }

  #sumAndCount(rendered: string, sum: number, count: number): void {
    const out = this.#out;
    this.#names.write(out, "_sum", rendered);
    out.value(sum);
    out.text("\n");
    this.#names.write(out, "_count", rendered);
    out.value(count);
    out.text("\n");
  }

  #noteCreated(rendered: string, created: number): void {
    if (created <= 0 || this.#created === undefined) return;
    const { names, out } = this.#created;
    names.write(out, "", rendered);
    out.value(created);
    out.text("\n");
  }
}
