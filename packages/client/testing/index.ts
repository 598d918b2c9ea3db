// Looking at metrics in tests of what they are in. Source of names: client_golang, testutil.
import type { Collector } from "../format/family-writer.ts";
import { lintFamily } from "../lint.ts";
import { Registry } from "../registry.ts";

/** Its exposition alone. */
async function textOf(collector: Collector): Promise<string> {
  const registry = new Registry();
  registry.register(collector);
  try {
    return await registry.metrics();
  } finally {
    registry.unregister(collector);
  }
}

function sampleLines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

/** The value of a collector that has one sample. Throws when it has none or several. */
export async function toFloat(collector: Collector): Promise<number> {
  const lines = sampleLines(await textOf(collector));
  if (lines.length !== 1) throw new Error(`expected one sample, found ${lines.length}`);
  const text = (lines[0] as string).slice((lines[0] as string).lastIndexOf(" ") + 1);
  return text.endsWith("Inf") ? (text.startsWith("-") ? -Infinity : Infinity) : Number(text);
}

/** How many samples a collector exposes, of these names if any are given. */
export async function collectAndCount(collector: Collector, ...names: readonly string[]): Promise<number> {
  const lines = sampleLines(await textOf(collector));
  return names.length === 0
    ? lines.length
    : lines.filter((line) => names.includes(/^[^{ ]*/.exec(line)?.[0] ?? "")).length;
}

/** Throws, with what differs, unless a collector exposes exactly this text; order and blank lines do not matter. */
export async function collectAndCompare(collector: Collector, expected: string): Promise<void> {
  compare(await textOf(collector), expected);
}

/** Throws, with what differs, unless a registry exposes exactly this text, of these families if any are given. */
export async function gatherAndCompare(registry: Registry, expected: string, names?: readonly string[]): Promise<void> {
  compare(await registry.metrics("text", names === undefined ? {} : { names }), expected);
}

/** Throws, with what differs, unless this URL answers with exactly this text. */
export async function scrapeAndCompare(url: string, expected: string): Promise<void> {
  const response = await fetch(url, { headers: { accept: "text/plain;version=0.0.4" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  compare(await response.text(), expected);
}

/** What promlint would say of everything in a registry: `NAME COMPLAINT`. */
export function lint(registry: Registry): string[] {
  return registry.collectors.flatMap((collector) =>
    collector.describe().flatMap((header) => {
      const { labelNames } = collector as { readonly labelNames?: readonly string[] };
      return lintFamily(header, labelNames ?? []).map((complaint) => `${header.name} ${complaint}`);
    }),
  );
}

function compare(actual: string, expected: string): void {
  const lines = (text: string): string[] =>
    text
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
  const [have, want] = [lines(actual), lines(expected)];
  const missing = want.filter((line) => !have.includes(line)).map((line) => `- ${line}`);
  const extra = have.filter((line) => !want.includes(line)).map((line) => `+ ${line}`);
  if (missing.length + extra.length > 0) {
    throw new Error(`metrics differ (- expected, + found):\n${[...missing, ...extra].join("\n")}`);
  }
}
