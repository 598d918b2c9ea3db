// The text format, versions 0.0.4 and 1.0.0 (which differ only in that the latter may quote names). Source: Prometheus "Exposition
// formats"; layout of numbers and the order of a family's lines as client_golang writes them.
import { SampleNames } from "./escaping.ts";
import type { FamilyHeader, FamilyType, SampleExtras } from "./family-writer.ts";
import { CHUNK_SIZE, FormatWriter } from "./format-writer.ts";
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

  override take(): string | undefined {
    return this.#out.length < CHUNK_SIZE ? undefined : this.#out.take();
  }

  override seal(): string {
    if (this.#created === undefined || this.#created.out.length === 0) return this.#out.take();
    const { help, names, out } = this.#created;
    const shown = names.inComments;
    if (help !== "") this.#out.text(`# HELP ${shown} ${escapeHelp(help, false)}\n`);
    this.#out.text(`# TYPE ${shown} gauge\n`);
    return this.#out.take() + out.take();
  }

  override end(): string {
    return this.#out.take();
  }

  override value(labels: string, value: number, created: number, extras?: SampleExtras): void {
    const rendered = this.labels(labels);
    const text = formatValue(value);
    const rest = extras?.timestamp === undefined ? `${text}\n` : `${text} ${Math.round(extras.timestamp * 1000)}\n`;
    this.#names.write(this.#out, "", rendered, rest);
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
    const before = this.#names.before("_bucket", rendered);
    for (let i = 0; i <= bounds.length; i++) {
      out.text(before);
      out.text(`${this.#boundTexts[i]}${formatValue(cumulative[i] as number)}\n`);
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
    const rendered = this.labels(labels);
    const before = this.#names.before("", rendered);
    for (let i = 0; i < quantiles.length; i++) {
      const quantile = formatValue(quantiles[i] as number);
      this.#out.text(`${before}quantile="${quantile}"} ${formatValue(values[i] as number)}\n`);
    }
    this.#sumAndCount(rendered, sum, count);
    if (this.#created !== undefined) this.#noteCreated(rendered, created);
  }

  #sumAndCount(rendered: string, sum: number, count: number): void {
    this.#names.write(this.#out, "_sum", rendered, `${formatValue(sum)}\n`);
    this.#names.write(this.#out, "_count", rendered, `${formatValue(count)}\n`);
  }

  #noteCreated(rendered: string, created: number): void {
    if (created <= 0 || this.#created === undefined) return;
    const { names, out } = this.#created;
    names.write(out, "", rendered, `${formatValue(created)}\n`);
  }
}
