// Which program this is.
import { buildInfo } from "@narthex/toolkit";

/** The release of the reference whose behaviour this one follows. */
export const COMPATIBLE_VERSION = "1.11.2";

/** As `/api/v1/status` answers it; the reference's field names, sorted. */
export const BUILD_INFO: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(buildInfo(COMPATIBLE_VERSION)).sort(([a], [b]) => (a < b ? -1 : 1)),
);
