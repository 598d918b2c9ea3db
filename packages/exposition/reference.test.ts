import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ExpositionError } from "./errors.ts";
import { OpenMetricsParser } from "./openmetrics-parser.ts";
import { Entry, type SampleParser } from "./sample-parser.ts";
import { TextParser } from "./text-parser.ts";

/** What Prometheus 3.5.3 made of a body: its `lastError`, or series with values and the target's metadata. */
interface ReferenceCase {
  readonly format: "text" | "openmetrics";
  readonly body: string;
  /** The body's characters are bytes. */
  readonly latin1?: boolean;
  readonly error?: string;
  readonly series?: readonly (readonly [Record<string, string>, string])[];
  readonly metadata?: readonly { metric: string; type: string; help: string; unit: string }[];
  readonly exemplars?: readonly { labels: Record<string, string>; value: string }[];
  /** Its timestamps lay too far back for the reference to answer with the samples. */
  readonly old?: boolean;
}

const cases = JSON.parse(
  readFileSync(new URL("../testdata/reference.json", import.meta.url), "utf8"),
) as readonly ReferenceCase[];

/** Refused when a sample meets its target and the storage, not while parsing. */
const LATER = /is not unique|missing metric name|invalid metric name or label names/;

for (const reference of cases) {
  test(`${reference.format}: ${JSON.stringify(reference.body)} is read as the reference reads it`, () => {
    const parsed = parse(reference);
    if (reference.error !== undefined && LATER.test(reference.error)) return;
    assert.equal(parsed.error, reference.error);
    if (reference.error !== undefined) return;
    if (reference.old !== true)
      assert.deepEqual(parsed.series, new Map(reference.series?.map(([m, v]) => [key(m), v])));
    const metadata = reference.metadata?.map((m) => [m.metric, `${m.type}|${m.help}|${m.unit}`] as const);
    assert.deepEqual(parsed.metadata, new Map(metadata));
    if (reference.old === true) return;
    assert.deepEqual(parsed.series, new Map(reference.series?.map(([m, v]) => [key(m), v])));
    assert.deepEqual(
      parsed.exemplars,
      (reference.exemplars ?? []).map(({ labels, value }) => `${key(labels)} ${value}`),
    );
  });
}

function key(labels: Record<string, string>): string {
  return JSON.stringify(Object.entries(labels).sort());
}

function parse(reference: ReferenceCase): {
  error: string | undefined;
  series: Map<string, string>;
  metadata: Map<string, string>;
  exemplars: string[];
} {
  const body = Buffer.from(reference.body, reference.latin1 === true ? "latin1" : "utf8");
  const bytes = new Uint8Array(body.length + 8);
  bytes.set(body);
  const parser: SampleParser = reference.format === "text" ? new TextParser() : new OpenMetricsParser();
  const series = new Map<string, string>();
  const families = new Map<string, { type: string; help: string; unit: string }>();
  const exemplars: string[] = [];
  const family = () => {
    const known = families.get(parser.family) ?? { type: "unknown", help: "", unit: "" };
    families.set(parser.family, known);
    return known;
  };
  let error: string | undefined;
  try {
    parser.reset(bytes, body.length);
    for (let entry = parser.next(); entry !== Entry.end; entry = parser.next()) {
      if (entry === Entry.type) family().type = parser.metricType;
      else if (entry === Entry.help) family().help = parser.text;
      else if (entry === Entry.unit) family().unit = parser.text;
      else if (entry === Entry.sample) {
        const labels = labelObject((into) => parser.labels(into));
        if (!series.has(key(labels))) series.set(key(labels), format(parser.value));
        if (!parser.hasExemplar) continue;
        exemplars.push(`${key(labelObject((into) => parser.exemplarLabels(into)))} ${format(parser.exemplarValue)}`);
      }
    }
  } catch (thrown) {
    assert.ok(thrown instanceof ExpositionError, String(thrown));
    error = thrown.message;
  }
  const metadata = new Map([...families].map(([name, m]) => [name, `${m.type}|${m.help}|${m.unit}`]));
  return { error, series, metadata, exemplars };
}

function labelObject(write: (into: string[]) => void): Record<string, string> {
  const flat: string[] = [];
  write(flat);
  const labels: Record<string, string> = {};
  for (let i = 0; i < flat.length; i += 2) if (flat[i + 1] !== "") labels[flat[i] as string] = flat[i + 1] as string;
  return labels;
}

function format(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
  return Math.abs(value) < 1e-6 && value !== 0 ? value.toExponential() : String(value);
}
