// Which program this is.
import { type BuildInfo, buildInfo } from "@narthex/toolkit";

/** The release of the reference whose behaviour this one follows; clients read features off the version. */
export const COMPATIBLE_VERSION = "3.14.0";

/** As `/api/v1/status/buildinfo` answers it. */
export const BUILD_INFO: BuildInfo = buildInfo(COMPATIBLE_VERSION);
