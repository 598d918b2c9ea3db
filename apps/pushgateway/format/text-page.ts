// Families as text: format 0.0.4, and OpenMetrics 1.0 where it differs.
// Layout as the reference's encoders (expfmt) have it, quoted names included.
import { formatOpenMetricsValue, formatValue } from "@narthex/client";
import { type EscapingScheme, escapeName } from "@narthex/model";
import type { Exemplar, Family, HistogramValue, Metric } from "../family/family.ts";
import { needsQuotes, pageName } from "./page-names.ts";

/** The last line of an OpenMetrics page. */
export const OPENMETRICS_END = "# EOF\n";

/** Writes one format with one escaping scheme. */
export class TextPage {
  readonly #openMetrics: boolean;
  readonly #escaping: EscapingScheme;

  constructor(openMetrics: boolean, escaping: EscapingScheme) {
    this.#openMetrics = openMetrics;
    this.#escaping = escaping;
  }

  /** HELP, TYPE and UNIT lines. */
  head({ name, help, type, unit }: Omit<Family, "metrics">): string {
    const full = pageName(name, this.#escaping);
    const isTotal = type === "counter" && full.endsWith("_total");
    const shown = quoted(this.#openMetrics && isTotal ? full.slice(0, -"_total".length) : full);
    let word: string = type;
    if (this.#openMetrics) {
      // A counter without its suffix would not be OpenMetrics.
      if (type === "untyped" || (type === "counter" && !isTotal)) word = "unknown";
      if (type === "gauge_histogram") word = "gaugehistogram";
    } else if (type === "gauge_histogram") word = "histogram";
    let head = help === undefined ? "" : `# HELP ${shown} ${escapeHelp(help, this.#openMetrics)}\n`;
    head += `# TYPE ${shown} ${word}\n`;
    if (this.#openMetrics && unit !== undefined) head += `# UNIT ${shown} ${escapeHelp(unit, true)}\n`;
    return head;
  }

  /** The lines of one metric of a family with this name. */
  metric(familyName: string, metric: Metric): string {
    const name = pageName(familyName, this.#escaping);
    const labels = this.#labels(metric.labels);
    const end = this.#timestamp(metric);
    switch (metric.kind) {
      case "summary": {
        const { quantiles, sum, count } = metric.summary ?? { quantiles: [], sum: 0, count: 0 };
        let out = "";
        for (const { quantile, value } of quantiles)
          out += `${series(name, "", labels, `quantile="${this.#float(quantile)}"`)} ${this.#float(value)}${end}\n`;
        const total = this.#count(count ?? 0);
        return `${out}${series(name, "_sum", labels)} ${this.#float(sum ?? 0)}${end}\n${series(name, "_count", labels)} ${total}${end}\n`;
      }
      case "histogram":
        return metric.histogram === undefined ? "" : this.#histogram(name, labels, metric.histogram, end);
      case "nothing":
        return "";
      default:
        return `${series(name, "", labels)} ${this.#float(metric.value)}${end}${this.#exemplar(metric.exemplar)}\n`;
    }
  }

  #histogram(name: string, labels: string, histogram: HistogramValue, end: string): string {
    const count = this.#count(histogram.floatCount || (histogram.count ?? 0));
    let out = "";
    let hasInfinity = false;
    for (const bucket of histogram.buckets) {
      const bucketCount = this.#count(bucket.floatCount || (bucket.count ?? 0));
      const exemplar = this.#exemplar(bucket.exemplar);
      out += `${series(name, "_bucket", labels, `le="${this.#float(bucket.bound)}"`)} ${bucketCount}${end}${exemplar}\n`;
      if (bucket.bound === Number.POSITIVE_INFINITY) hasInfinity = true;
    }
    if (!hasInfinity) out += `${series(name, "_bucket", labels, 'le="+Inf"')} ${count}${end}\n`;
    const sum = this.#float(histogram.sum ?? 0);
    return `${out}${series(name, "_sum", labels)} ${sum}${end}\n${series(name, "_count", labels)} ${count}${end}\n`;
  }

  /** `a="b",c="d"`. */
  #labels(labels: readonly string[]): string {
    let text = "";
    for (let i = 0; i < labels.length; i += 2) {
      const name = labels[i] as string;
      const shown = needsQuotes(name) ? quoted(escapeName(name, this.#escaping)) : name;
      text += `${i > 0 ? "," : ""}${shown}="${escapeValue(labels[i + 1] as string)}"`;
    }
    return text;
  }

  #exemplar(exemplar: Exemplar | undefined): string {
    if (!this.#openMetrics || exemplar === undefined || exemplar.labels.length === 0) return "";
    const at = exemplar.at === undefined ? "" : ` ${this.#float(exemplar.at.seconds + exemplar.at.nanos / 1e9)}`;
    return ` # {${this.#labels(exemplar.labels)}} ${this.#float(exemplar.value)}${at}`;
  }

  #timestamp({ timestampMs }: Metric): string {
    if (timestampMs === undefined) return "";
    return this.#openMetrics ? ` ${this.#float(timestampMs / 1000)}` : ` ${timestampMs}`;
  }

  #float(value: number): string {
    return this.#openMetrics ? formatOpenMetricsValue(value) : formatValue(value);
  }

  #count(value: number): string {
    return this.#openMetrics ? String(value) : formatValue(value);
  }
}

/** Name and labels of a line; a name that must be quoted stands among the labels. */
function series(name: string, suffix: string, labels: string, last: string = ""): string {
  const all = labels === "" || last === "" ? labels + last : `${labels},${last}`;
  const full = name + suffix;
  if (needsQuotes(full)) return `{${quoted(full)}${all === "" ? "" : `,${all}`}}`;
  return all === "" ? full : `${full}{${all}}`;
}

function quoted(name: string): string {
  return needsQuotes(name) ? `"${escapeValue(name)}"` : name;
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`)) : text;
}

function escapeHelp(text: string, openMetrics: boolean): string {
  return text.replace(openMetrics ? /[\\"\n]/g : /[\\\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));
}
