// OpenMetrics 1.0 text. Source: https://github.com/OpenObservability/OpenMetrics, specification 1.0.0.
import { escapeName, SampleNames } from "./escaping.ts";
import type { FamilyHeader, SampleExemplar, SampleExtras } from "./family-writer.ts";
import { CHUNK_SIZE, FormatWriter } from "./format-writer.ts";
import { escapeHelp, renderLabels } from "./names.ts";
import { formatOpenMetricsValue, formatValue } from "./number-format.ts";
import { TextBuffer } from "./text-buffer.ts";

/** The last line of an OpenMetrics exposition, without which consumers take it for torn. */
export const OPENMETRICS_END = "# EOF\n";

/** Writes OpenMetrics text; creation times, if asked for, as `_created` samples. */
export class OpenMetricsWriter<Source = unknown> extends FormatWriter<Source> {
  readonly #out = new TextBuffer();
  #names = new SampleNames("");
  #suffix = "";
  #hasCreated = false;
  #bounds: readonly number[] = [];
  #boundTexts: string[] = [];

  protected override nameOf(header: FamilyHeader): string {
    // A family is named without the suffix that its samples bear.
    const suffix = suffixOf(header);
    const { name } = header;
    return escapeName(suffix !== "" && name.endsWith(suffix) ? name.slice(0, -suffix.length) : name, this.escaping);
  }

  protected override begin(header: FamilyHeader, name: string): void {
    const { type } = header;
    this.#suffix = suffixOf(header);
    this.#names = new SampleNames(name);
    this.#hasCreated = this.created && (type === "counter" || type === "histogram" || type === "summary");
    const shown = this.#names.inComments;
    const help = header.help === "" ? "" : `# HELP ${shown} ${escapeHelp(header.help, true)}\n`;
    const unit = header.unit === "" ? "" : `# UNIT ${shown} ${header.unit}\n`;
    this.#out.text(`${help}# TYPE ${shown} ${type}\n${unit}`);
  }

  override take(): string | undefined {
    return this.#out.length < CHUNK_SIZE ? undefined : this.#out.take();
  }

  override seal(): string {
    return this.#out.take();
  }

  override end(): string {
    this.#out.text(OPENMETRICS_END);
    return this.#out.take();
  }

  override value(labels: string, value: number, created: number, extras?: SampleExtras): void {
    const rendered = this.labels(labels);
    let rest = formatOpenMetricsValue(value);
    if (extras?.timestamp !== undefined) rest += ` ${formatSeconds(extras.timestamp)}`;
    this.#names.write(this.#out, this.#suffix, rendered, `${rest}${renderExemplar(extras?.exemplar)}\n`);
    if (this.#hasCreated) this.#writeCreated(rendered, created);
  }

  override histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
  ): void {
    if (bounds !== this.#bounds) {
      this.#bounds = bounds;
      this.#boundTexts = [...bounds.map((bound) => `le="${formatOpenMetricsValue(bound)}"} `), 'le="+Inf"} '];
    }
    const out = this.#out;
    const rendered = this.labels(labels);
    const before = this.#names.before("_bucket", rendered);
    for (let i = 0; i <= bounds.length; i++) {
      const count = formatValue(cumulative[i] as number);
      out.text(before);
      out.text(`${this.#boundTexts[i]}${count}${renderExemplar(exemplars?.[i])}\n`);
    }
    this.#sumAndCount(rendered, sum, cumulative[bounds.length] as number);
    if (this.#hasCreated) this.#writeCreated(rendered, created);
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
      const quantile = formatOpenMetricsValue(quantiles[i] as number);
      this.#out.text(`${before}quantile="${quantile}"} ${formatOpenMetricsValue(values[i] as number)}\n`);
    }
    this.#sumAndCount(rendered, sum, count);
    if (this.#hasCreated) this.#writeCreated(rendered, created);
  }

  #sumAndCount(rendered: string, sum: number, count: number): void {
    this.#names.write(this.#out, "_sum", rendered, `${formatOpenMetricsValue(sum)}\n`);
    this.#names.write(this.#out, "_count", rendered, `${formatValue(count)}\n`);
  }

  #writeCreated(rendered: string, created: number): void {
    if (created > 0) this.#names.write(this.#out, "_created", rendered, `${formatSeconds(created)}\n`);
  }
}

function suffixOf({ type }: FamilyHeader): string {
  return type === "counter" ? "_total" : type === "info" ? "_info" : "";
}

/** Seconds since the epoch, plainly: an exponent would hide what matters. */
function formatSeconds(seconds: number): string {
  return String(Math.round(seconds * 1000) / 1000);
}

function renderExemplar(exemplar: SampleExemplar | undefined): string {
  if (exemplar === undefined) return "";
  const names = Object.keys(exemplar.labels);
  const labels = renderLabels(names, Object.values(exemplar.labels));
  const timestamp = exemplar.timestamp > 0 ? ` ${formatSeconds(exemplar.timestamp)}` : "";
  return ` # {${labels}} ${formatOpenMetricsValue(exemplar.value)}${timestamp}`;
}
