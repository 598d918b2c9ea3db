// What the tests of this program share.
import type { Family } from "./family/family.ts";
import { IntakeError } from "./format/intake-error.ts";
import { LineSplitter } from "./format/line-splitter.ts";
import { TextIntake } from "./format/text-intake.ts";
import { TextPage } from "./format/text-page.ts";
import { groupingKey } from "./push/grouping-key.ts";
import type { MetricStore, WriteRequest, WriteVerdict } from "./store/metric-store.ts";
import { pageFamilies } from "./web/scrape-page.ts";

/** The families of a text, pushed in pieces of `pieceBytes`. */
export function familiesOf(text: string | Buffer, pieceBytes: number = 1024): Family[] {
  const intake = new TextIntake("legacy");
  const lines = new LineSplitter((line, isTerminated) => intake.line(line, isTerminated));
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += pieceBytes) lines.push(bytes.subarray(at, at + pieceBytes));
  lines.end();
  return intake.finish();
}

/** What is wrong with a text; "" for nothing. */
export function faultOf(text: string | Buffer, pieceBytes?: number): string {
  try {
    familiesOf(text, pieceBytes);
    return "";
  } catch (error) {
    if (error instanceof IntakeError) return error.message;
    throw error;
  }
}

/** Families as the text format shows them, without HELP and TYPE lines. */
export function samplesOf(families: readonly Family[]): string[] {
  const page = new TextPage(false, "allow-utf-8");
  return families.flatMap(({ name, metrics }) =>
    metrics.flatMap((metric) =>
      page
        .metric(name, metric)
        .split("\n")
        .filter((line) => line !== ""),
    ),
  );
}

/** What a store shows: pushed series and markers. */
export function shownBy(store: MetricStore): string[] {
  return samplesOf(pageFamilies([], store));
}

/** A push of a text to the group with these labels. */
export function pushOf(
  labels: Readonly<Record<string, string>>,
  text: string,
  more: Partial<WriteRequest & { kind: "push" }> = {},
): WriteRequest {
  const grouping = groupingKey(Object.entries(labels).flat());
  return {
    kind: "push",
    grouping,
    families: familiesOf(text),
    replaces: false,
    timeMs: 1000,
    ttlMs: undefined,
    ...more,
  };
}

/** The first problem; "" when it went well. */
export function problemOf({ outcome, problems }: WriteVerdict): string {
  return outcome === "done" ? "" : (problems[0] as string);
}
