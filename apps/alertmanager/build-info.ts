// Which program this is.
import { type BuildInfo, buildInfo } from "@narthex/toolkit";

/** The release of the reference whose behaviour this one follows. */
export const COMPATIBLE_VERSION = "0.34.0";

/** As receivers see it. */
export const USER_AGENT: string = `Alertmanager/${COMPATIBLE_VERSION}`;

const { branch, buildDate, buildUser, goVersion, revision, version } = buildInfo(COMPATIBLE_VERSION);

/** As the status API answers it: in the reference's order. */
export const VERSION_INFO: BuildInfo = { branch, buildDate, buildUser, goVersion, revision, version };
