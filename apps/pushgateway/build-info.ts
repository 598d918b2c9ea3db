// Which program this is.

/** The release of the reference whose behaviour this one follows. */
export const COMPATIBLE_VERSION = "1.11.2";

export const NARTHEX_VERSION = "0.1.0";

/** As `/api/v1/status` answers it; the reference's field names, sorted. */
export const BUILD_INFO: Readonly<Record<string, string>> = {
  branch: "HEAD",
  buildDate: "",
  buildUser: "narthex",
  goVersion: `node-${process.versions.node}`,
  revision: `narthex-${NARTHEX_VERSION}`,
  version: COMPATIBLE_VERSION,
};

/** What `--version` prints: the reference's lines, which scripts read. */
export function versionText(): string {
  const { branch, revision, buildUser, buildDate, goVersion, version } = BUILD_INFO;
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const lines = [
    ["build user", buildUser],
    ["build date", buildDate],
    ["go version", goVersion],
    ["platform", platform],
    ["tags", "unknown"],
  ].map(([name, value]) => `  ${`${name}:`.padEnd(18)}${value}`.trimEnd());
  return [`pushgateway, version ${version} (branch: ${branch}, revision: ${revision})`, ...lines, ""].join("\n");
}
