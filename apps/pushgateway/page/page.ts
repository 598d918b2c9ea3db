// The page at `/` (what was pushed) and `/status` (what this program is), made on the server.
import { formatDecimal, histogramToString } from "@narthex/model";
import { BUILD_INFO } from "../build-info.ts";
import type { Family, HistogramValue, Metric } from "../family/family.ts";
import { deletePath } from "../push/group-path.ts";
import { floatHistogram } from "../store/aggregation.ts";
import {
  type Group,
  lastPushSucceeded,
  MARKERS,
  markerLabels,
  markerMetric,
  markerTimes,
  shownLabels,
} from "../store/group.ts";

/** A page that shows more would be of use to nobody; the rest is found by the filter. */
const MAX_GROUPS = 200;
const MAX_SERIES = 200;
const MAX_SERIES_OF_PAGE = 5000;

const HELP_URL = "https://github.com/prometheus/pushgateway/blob/v1.11.2/README.md";

export interface PageContext {
  readonly startedMs: number;
  readonly flags: Readonly<Record<string, string>>;
  readonly allowsWipe: boolean;
  /** Whether label names in paths must be escaped. */
  readonly escapesNames: boolean;
}

/** The page of the groups whose labels contain `filter`. */
export function metricsPage(groups: readonly Group[], filter: string, context: PageContext): string {
  const wanted = filter === "" ? groups : groups.filter(({ labels }) => labelText(labels).includes(filter));
  const shown = wanted.slice(0, MAX_GROUPS);
  const budget = { series: MAX_SERIES_OF_PAGE };
  const count = `${groups.length} ${groups.length === 1 ? "group" : "groups"}`;
  const note =
    shown.length < groups.length ? `<p class="note">Showing ${shown.length} of ${wanted.length} that match.</p>` : "";
  const wipe =
    context.allowsWipe && groups.length > 0
      ? button("Delete all groups", "PUT", "api/v1/admin/wipe", `Delete all ${count}? This cannot be undone.`)
      : "";
  const list = shown.map((group) => groupMarkup(group, context, budget)).join("");
  const none = groups.length === 0 ? "Nothing has been pushed." : "No group matches.";
  return layout(
    "Metrics",
    `<h1>${count}</h1>
<div class="bar"><form role="search"><input name="q" type="search" aria-label="Filter by labels" placeholder='Filter by labels, for instance job="backup"' value="${escapeHtml(filter)}"><button>Filter</button></form>${wipe}</div>
${note}${list === "" ? `<p class="empty">${none}</p>` : list}
<dialog aria-labelledby="question"><p id="question"></p><p role="alert"></p><form method="dialog" class="bar"><button autofocus>Keep</button><button type="button" class="danger">Delete</button></form></dialog>`,
  );
}

/** The page about the program. */
export function statusPage({ startedMs, flags }: PageContext): string {
  const table = (rows: readonly (readonly [string, string])[]): string =>
    `<table class="status"><tbody>${rows
      .map(
        ([name, value]) =>
          `<tr><th scope="row">${escapeHtml(name)}</th><td class="value">${escapeHtml(value)}</td></tr>`,
      )
      .join("")}</tbody></table>`;
  return layout(
    "Status",
    `<h1>Status</h1>
${table([["Started", new Date(startedMs).toISOString()]])}
<h2>Build information</h2>
${table(Object.entries(BUILD_INFO))}
<h2>Flags</h2>
${table(Object.entries(flags))}`,
  );
}

function layout(title: "Metrics" | "Status", content: string): string {
  const link = (name: string, href: string): string =>
    `<a href="${href}"${name === title ? ' aria-current="page"' : ""}>${name}</a>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Narthex Pushgateway</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/page.css">
<script src="static/page.js" defer></script>
</head>
<body>
<header><div><strong>Narthex Pushgateway</strong><nav aria-label="Pages">${link("Metrics", "./")}${link("Status", "status")}<a href="${HELP_URL}">Help</a></nav></div></header>
<main>
${content}
</main>
</body>
</html>
`;
}

function groupMarkup(group: Group, context: PageContext, budget: { series: number }): string {
  const labels = shownLabels(group);
  const badges = badgesMarkup(labels);
  const failed = lastPushSucceeded(group) ? "" : ' <span class="badge failed">Last push failed!</span>';
  const key = escapeHtml(labelText(labels));
  const times = markerTimes(group);
  const markers = MARKERS.map((header, i) => {
    const { valueMs, setMs } = times[i] as (typeof times)[number];
    const family = { ...header, metrics: [markerMetric(markerLabels(group), valueMs)] };
    return familyMarkup(family, setMs, key, budget);
  });
  const families = [...group.families.values()]
    .sort((a, b) => (a.family.name < b.family.name ? -1 : 1))
    .map(({ family, timeMs }) => familyMarkup(family, timeMs, key, budget));
  const remove = button(
    "Delete group",
    "DELETE",
    deletePath(labels, context.escapesNames),
    `Delete the group with ${labelText(labels)}? This cannot be undone.`,
  );
  const end = Number.isFinite(group.expiresMs)
    ? ` <span class="when">goes at ${timeMarkup(group.expiresMs)}</span>`
    : "";
  return `<details class="group" data-key="${key}"><summary>${badges}${failed}${end}</summary><div class="inside"><div class="bar">${remove}</div>${families.join("")}${markers.join("")}</div></details>
`;
}

function familyMarkup(
  { name, help, type, metrics }: Omit<Family, "unit">,
  timeMs: number,
  group: string,
  budget: { series: number },
): string {
  const shown = metrics.slice(0, Math.min(MAX_SERIES, Math.max(0, budget.series)));
  budget.series -= shown.length;
  const rows = shown
    .map((metric) => `<tr><td>${badgesMarkup(metric.labels)}</td><td class="value">${valueMarkup(metric)}</td></tr>`)
    .join("");
  const rest = metrics.length - shown.length;
  const note = rest > 0 ? `<p class="note">${rest} more series are on the scrape page.</p>` : "";
  const about = help === undefined || help === "" ? "" : ` <span class="help">${escapeHtml(help)}</span>`;
  return `<details class="family" data-key="${group} ${escapeHtml(name)}"><summary><span class="name">${escapeHtml(name)}</span> <span class="badge type">${type.toUpperCase()}</span>${about} <span class="when">last pushed: ${timeMarkup(timeMs)}</span></summary><div class="scroll"><table><thead><tr><th scope="col">Labels</th><th scope="col">Value</th></tr></thead><tbody>${rows}</tbody></table></div>${note}</details>`;
}

function valueMarkup(metric: Metric): string {
  const { summary, histogram } = metric;
  if (summary !== undefined) {
    const rows = summary.quantiles.map(({ quantile, value }) => [numberText(quantile), numberText(value)] as const);
    return pairsMarkup(["Quantile", "Value"], rows, summary.count ?? 0, summary.sum ?? 0);
  }
  if (histogram !== undefined) return histogramMarkup(histogram);
  return numberText(metric.value);
}

function histogramMarkup(histogram: HistogramValue): string {
  const { native, buckets } = histogram;
  if (native !== undefined && native.negative.spans.length + native.positive.spans.length > 0)
    return escapeHtml(histogramToString(floatHistogram(histogram)));
  const rows = buckets.map(
    ({ bound, count, floatCount }) => [numberText(bound), numberText(floatCount || (count ?? 0))] as const,
  );
  return pairsMarkup(["At most", "Count"], rows, histogram.floatCount || (histogram.count ?? 0), histogram.sum ?? 0);
}

function pairsMarkup(
  [left, right]: readonly [string, string],
  rows: readonly (readonly [string, string])[],
  count: number,
  sum: number,
): string {
  const all = [...rows, ["Count", numberText(count)], ["Sum", numberText(sum)]] as const;
  const body = all.map(([name, value]) => `<tr><td>${name}</td><td>${value}</td></tr>`).join("");
  return `<table><thead><tr><th scope="col">${left}</th><th scope="col">${right}</th></tr></thead><tbody>${body}</tbody></table>`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return formatDecimal(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function badgesMarkup(labels: readonly string[]): string {
  let out = "";
  for (let i = 0; i < labels.length; i += 2) {
    const name = labels[i] as string;
    const kind = name === "job" || name === "instance" ? ` ${name}` : "";
    out += `<span class="badge${kind}">${escapeHtml(name)}=&quot;${escapeHtml(labels[i + 1] as string)}&quot;</span>`;
  }
  return out;
}

function labelText(labels: readonly string[]): string {
  const parts: string[] = [];
  for (let i = 0; i < labels.length; i += 2) parts.push(`${labels[i]}="${labels[i + 1]}"`);
  return parts.join(", ");
}

/** Hidden until the script is there that makes it work. */
function button(text: string, method: string, url: string, question: string): string {
  return `<button type="button" class="danger" hidden data-method="${method}" data-url="${escapeHtml(url)}" data-question="${escapeHtml(question)}">${text}</button>`;
}

function timeMarkup(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `<time datetime="${iso}">${iso.slice(0, 19).replace("T", " ")} UTC</time>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
