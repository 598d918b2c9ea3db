// Names on the scrape page that the classic rules do not allow: what becomes of them, and whether they need quotes.
import { type EscapingScheme, escapeName } from "@narthex/model";

const CLASSIC_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The name as this format may carry it, without quotes. */
export function pageName(name: string, escaping: EscapingScheme): string {
  return CLASSIC_METRIC.test(name) ? name : escapeName(name, escaping);
}

/** Whether a metric's name must be quoted to stand in a text. */
export function needsQuotes(name: string): boolean {
  return !CLASSIC_METRIC.test(name);
}
