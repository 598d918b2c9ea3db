// Which release this is, as every program tells it.

/** The release of all programs here; each says beside it which release of its reference it follows. */
export const NARTHEX_VERSION = "0.1.0";

/** What a program says of itself, under the reference's field names. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  readonly branch: string;
  readonly buildUser: string;
  readonly buildDate: string;
  readonly goVersion: string;
}

/** Of a program that follows the release `version` of its reference. */
export function buildInfo(version: string): BuildInfo {
  return {
    version,
    revision: `narthex-${NARTHEX_VERSION}`,
    branch: "HEAD",
    buildUser: "narthex",
    buildDate: "",
    goVersion: `node-${process.versions.node}`,
  };
}

/** What `--version` prints for a program of the name `program`: the reference's lines, which scripts read, newline included. */
export function versionText(program: string, version: string, tags = "unknown"): string {
  const { branch, revision, buildUser, buildDate, goVersion } = buildInfo(version);
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const lines = [
    ["build user", buildUser],
    ["build date", buildDate],
    ["go version", goVersion],
    ["platform", platform],
    ["tags", tags],
  ].map(([name, value]) => `  ${`${name}:`.padEnd(18)}${value}`.trimEnd());
  return [`${program}, version ${version} (branch: ${branch}, revision: ${revision})`, ...lines, ""].join("\n");
}
