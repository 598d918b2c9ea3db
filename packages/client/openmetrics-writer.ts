// OpenMetrics 1.0 text. Source: https://github.com/OpenObservability/OpenMetrics, specification 1.0.0.
import { FamilyTexts } from "./family-texts.ts";
import type { FamilyHeader, FamilyWriter, SampleExemplar, SampleExtras } from "./family-writer.ts";
import { escapeHelp, renderLabels } from "./names.ts";
import { formatOpenMetricsValue, formatValue } from "./number-format.ts";

/** The last line of an OpenMetrics exposition, without which consumers take it for torn. */
export const OPENMETRICS_END = "# EOF\n";

/** Collects families into `texts`; the exposition must end with `OPENMETRICS_END` after them. */
export class OpenMetricsWriter implements FamilyWriter {
  readonly texts: FamilyTexts = new FamilyTexts();
  #name = "";
  #suffix = "";
  #hasCreated = false;
  readonly #created: boolean;

  /** `created`: whether `_created` samples are written. */
  constructor(options: { readonly created?: boolean } = {}) {
    this.#created = options.created ?? false;
  }

  family(header: FamilyHeader): void {
    const { type } = header;
    // A family is named without the suffix that its samples bear.
    this.#suffix = type === "counter" ? "_total" : type === "info" ? "_info" : "";
    const { name } = header;
    this.#name = this.#suffix !== "" && name.endsWith(this.#suffix) ? name.slice(0, -this.#suffix.length) : name;
    this.#hasCreated = this.#created && type === "counter";
    let head = header.help === "" ? "" : `# HELP ${this.#name} ${escapeHelp(header.help, true)}\n`;
    head += `# TYPE ${this.#name} ${type}\n`;
    if (header.unit !== "") head += `# UNIT ${this.#name} ${header.unit}\n`;
    this.texts.begin(this.#name, head);
  }

  value(labels: string, value: number, created: number, extras?: SampleExtras): void {
    const braces = labels === "" ? "" : `{${labels}}`;
    const timestamp = extras?.timestamp === undefined ? "" : ` ${formatSeconds(extras.timestamp)}`;
    const exemplar = renderExemplar(extras?.exemplar);
    this.texts.append(
      `${this.#name}${this.#suffix}${braces} ${formatOpenMetricsValue(value)}${timestamp}${exemplar}\n`,
    );
    if (this.#hasCreated && created > 0) this.#writeCreated(braces, created);
  }

  histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
  ): void {
    const name = this.#name;
    const before = labels === "" ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
    let out = "";
    for (let i = 0; i <= bounds.length; i++) {
      const bound = i < bounds.length ? formatOpenMetricsValue(bounds[i] as number) : "+Inf";
      out += `${before}${bound}"} ${formatValue(cumulative[i] as number)}${renderExemplar(exemplars?.[i])}\n`;
    }
    const braces = labels === "" ? "" : `{${labels}}`;
    const count = formatValue(cumulative[bounds.length] as number);
    out += `${name}_sum${braces} ${formatOpenMetricsValue(sum)}\n${name}_count${braces} ${count}\n`;
    this.texts.append(out);
    if (this.#created && created > 0) this.#writeCreated(braces, created);
  }

  summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void {
    const name = this.#name;
    const before = labels === "" ? `${name}{quantile="` : `${name}{${labels},quantile="`;
    let out = "";
    for (let i = 0; i < quantiles.length; i++) {
      const quantile = formatOpenMetricsValue(quantiles[i] as number);
      out += `${before}${quantile}"} ${formatOpenMetricsValue(values[i] as number)}\n`;
    }
    const braces = labels === "" ? "" : `{${labels}}`;
    out += `${name}_sum${braces} ${formatOpenMetricsValue(sum)}\n${name}_count${braces} ${formatValue(count)}\n`;
    this.texts.append(out);
    if (this.#created && created > 0) this.#writeCreated(braces, created);
  }

  #writeCreated(braces: string, created: number): void {
    this.texts.append(`${this.#name}_created${braces} ${formatSeconds(created)}\n`);
  }
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
