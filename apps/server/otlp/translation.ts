// What a translation has to tell besides the samples it made.
import type { Fault } from "./otlp-intake.ts";

/** Faults told in one answer. */
const MAX_FAULTS = 100;
/** Warnings told about one request. */
const MAX_WARNINGS = 100;

/** The kinds of warnings, as the metric about them names them. */
export type WarningCategory = "empty_data_points" | "label_name_collision" | "histogram_zero_count_non_zero_sum";

/** What became of a request. With faults, nothing of it is to be kept. */
export class Translation {
  readonly faults: Fault[] = [];
  readonly warnings: Map<string, WarningCategory> = new Map();
  /** Samples of which nothing is known but their value. */
  withoutMetadata = 0;

  /** No more faults are told: the rest of the request need not be looked at. */
  get isFull(): boolean {
    return this.faults.length >= MAX_FAULTS;
  }

  warn(message: string, category: WarningCategory): void {
    if (this.warnings.size < MAX_WARNINGS) this.warnings.set(message, category);
  }

  fail(message: string): void {
    this.faults.push(faultOf(message));
  }
}

/** A fault that is not the sender's. */
export function faultOf(message: string): Fault {
  return { isSenders: false, message };
}
