// Which program this is.

/** As `/api/v1/status/buildinfo` answers it; the reference's field names. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  readonly goVersion: string;
}

/** The release of the reference whose behaviour this one follows; clients read features off the version. */
export const COMPATIBLE_VERSION = "3.14.0";

export const NARTHEX_VERSION = "0.1.0";

export const BUILD_INFO: BuildInfo = {
  version: COMPATIBLE_VERSION,
  revision: `narthex-${NARTHEX_VERSION}`,
  branch: "HEAD",
  buildUser: "narthex",
  buildDate: "",
  goVersion: `node-${process.versions.node}`,
};
