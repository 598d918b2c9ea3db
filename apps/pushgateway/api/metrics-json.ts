// `GET /api/v1/metrics`: the groups as JSON, layout and number texts as the reference's.
import { formatValue } from "@narthex/client";
import { compareStrings, printedBuckets } from "@narthex/model";
import type { Family, HistogramValue, Metric } from "../family/family.ts";
import { floatHistogram } from "../store/aggregation.ts";
import { type Group, lastPushSucceeded, MARKERS, markerLabels, markerMetric, markerTimes } from "../store/group.ts";

/** A piece is handed on when it has so many characters. */
const PIECE_CHARS = 64 * 1024;

/** The whole answer in pieces, one group after the other. */
export function* metricsJson(groups: readonly Group[]): Generator<Buffer> {
  let text = '{"status":"success","data":[';
  for (const [i, group] of groups.entries()) {
    text += (i > 0 ? "," : "") + groupJson(group);
    if (text.length < PIECE_CHARS) continue;
    yield Buffer.from(text, "utf8");
    text = "";
  }
  yield Buffer.from(`${text}]}`, "utf8");
}

function groupJson(group: Group): string {
  const entries: (readonly [name: string, json: string])[] = [
    ["labels", labelsJson(group.labels)],
    ["last_push_successful", String(lastPushSucceeded(group))],
  ];
  for (const { family, timeMs } of group.families.values()) entries.push([family.name, familyJson(family, timeMs)]);
  const labels = markerLabels(group);
  const times = markerTimes(group);
  for (const [i, header] of MARKERS.entries()) {
    const { valueMs, setMs } = times[i] as (typeof times)[number];
    entries.push([header.name, familyJson({ ...header, metrics: [markerMetric(labels, valueMs)] }, setMs)]);
  }
  return objectJson(entries);
}

function familyJson({ type, help, metrics }: Family, timeMs: number): string {
  const helpPart = help === undefined || help === "" ? "" : `,"help":${textJson(help)}`;
  const list = metrics.map((metric) => metricJson(metric, type)).join(",");
  return `{"time_stamp":${textJson(timeText(timeMs))},"type":"${type.toUpperCase()}"${helpPart},"metrics":[${list}]}`;
}

function metricJson(metric: Metric, type: Family["type"]): string {
  const entries: (readonly [string, string])[] = [["labels", labelsJson(metric.labels)]];
  if (type === "summary") {
    const { count, sum, quantiles } = metric.summary ?? { count: 0, sum: 0, quantiles: [] };
    entries.push(
      ["count", countJson(count ?? 0)],
      ["quantiles", numbersJson(quantiles.map(({ quantile, value }) => [quantile, formatValue(value)]))],
      ["sum", numberJson(sum ?? 0)],
    );
  } else if (type === "histogram") {
    const { histogram } = metric;
    entries.push(
      ["buckets", histogram === undefined ? "{}" : bucketsJson(histogram)],
      ["count", histogramCount(histogram)],
      ["sum", numberJson(histogram?.sum ?? 0)],
    );
  } else
    entries.push(["value", numberJson(metric.kind === "summary" || metric.kind === "histogram" ? 0 : metric.value)]);
  return objectJson(entries);
}

function histogramCount(histogram: HistogramValue | undefined): string {
  const floatCount = histogram?.floatCount ?? 0;
  return floatCount > 0 ? numberJson(floatCount) : countJson(histogram?.count ?? 0);
}

function bucketsJson(histogram: HistogramValue): string {
  const { native, buckets } = histogram;
  if (native !== undefined && native.negative.spans.length + native.positive.spans.length > 0) {
    const items = printedBuckets(floatHistogram(histogram)).map(
      ({ boundaries, lower, upper, count }) =>
        `[${boundaries},${numberJson(lower)},${numberJson(upper)},${(histogram.floatCount ?? 0) > 0 ? numberJson(count) : countJson(count)}]`,
    );
    return `[${items.join(",")}]`;
  }
  return numbersJson(
    buckets.map(({ bound, count, floatCount }) => [
      bound,
      (floatCount ?? 0) > 0 ? formatValue(floatCount as number) : String(count ?? 0),
    ]),
  );
}

/** An object whose keys are numbers; of two that are the same, the later counts. */
function numbersJson(pairs: readonly (readonly [number, string])[]): string {
  const byKey = new Map(pairs.map(([key, text]) => [formatValue(key), text]));
  return objectJson([...byKey].map(([key, text]) => [key, textJson(text)]));
}

function labelsJson(labels: readonly string[]): string {
  const byName = new Map<string, string>();
  for (let i = 0; i < labels.length; i += 2) byName.set(labels[i] as string, labels[i + 1] as string);
  return objectJson([...byName].map(([name, value]) => [name, textJson(value)]));
}

/** Keys sorted, as Go writes its maps; the last of two that are the same counts. */
function objectJson(entries: readonly (readonly [key: string, json: string])[]): string {
  const sorted = [...new Map(entries)].sort(([a], [b]) => compareStrings(a, b));
  return `{${sorted.map(([key, json]) => `${textJson(key)}:${json}`).join(",")}}`;
}

function numberJson(value: number): string {
  return `"${formatValue(value)}"`;
}

function countJson(value: number): string {
  return `"${value}"`;
}

/** Go's JSON escapes what HTML could misread, too. */
export function textJson(text: string): string {
  return JSON.stringify(text).replace(
    /[<>&\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** RFC 3339 with as many decimals as there are. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
}
