// The text format, version 0.0.4. Source: Prometheus "Exposition formats"; layout of numbers and the order of a
// family's lines as client_golang writes them.
import { FamilyTexts } from "./family-texts.ts";
import type { FamilyHeader, FamilyType, FamilyWriter, SampleExtras } from "./family-writer.ts";
import { escapeHelp } from "./names.ts";
import { formatValue } from "./number-format.ts";

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

/** Collects families into `texts`. */
export class TextWriter implements FamilyWriter {
  readonly texts: FamilyTexts = new FamilyTexts();
  #name = "";

  family(header: FamilyHeader): void {
    this.#name = header.name;
    const help = header.help === "" ? "" : `# HELP ${header.name} ${escapeHelp(header.help, false)}\n`;
    this.texts.begin(header.name, `${help}# TYPE ${header.name} ${TYPE_WORDS[header.type]}\n`);
  }

  value(labels: string, value: number, _created: number, extras?: SampleExtras): void {
    const series = labels === "" ? this.#name : `${this.#name}{${labels}}`;
    const timestamp = extras?.timestamp === undefined ? "" : ` ${Math.round(extras.timestamp * 1000)}`;
    this.texts.append(`${series} ${formatValue(value)}${timestamp}\n`);
  }

  histogram(labels: string, bounds: readonly number[], cumulative: ArrayLike<number>, sum: number): void {
    const name = this.#name;
    const before = labels === "" ? `${name}_bucket{le="` : `${name}_bucket{${labels},le="`;
    let out = "";
    for (let i = 0; i < bounds.length; i++) {
      out += `${before}${formatValue(bounds[i] as number)}"} ${formatValue(cumulative[i] as number)}\n`;
    }
    const count = formatValue(cumulative[bounds.length] as number);
    const after = labels === "" ? "" : `{${labels}}`;
    out += `${before}+Inf"} ${count}\n${name}_sum${after} ${formatValue(sum)}\n${name}_count${after} ${count}\n`;
    this.texts.append(out);
  }

  summary(labels: string, quantiles: readonly number[], values: ArrayLike<number>, sum: number, count: number): void {
    const name = this.#name;
    const before = labels === "" ? `${name}{quantile="` : `${name}{${labels},quantile="`;
    let out = "";
    for (let i = 0; i < quantiles.length; i++) {
      out += `${before}${formatValue(quantiles[i] as number)}"} ${formatValue(values[i] as number)}\n`;
    }
    const after = labels === "" ? "" : `{${labels}}`;
    this.texts.append(`${out}${name}_sum${after} ${formatValue(sum)}\n${name}_count${after} ${formatValue(count)}\n`);
  }
}
