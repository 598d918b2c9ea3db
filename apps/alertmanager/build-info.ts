// Which program this is.

/** The release of the reference whose behaviour this one follows. */
export const COMPATIBLE_VERSION = "0.34.0";

export const NARTHEX_VERSION = "0.1.0";

/** As receivers see it. */
export const USER_AGENT: string = `Alertmanager/${COMPATIBLE_VERSION}`;

/** As the status API answers it; the reference's field names, in its order. */
export const VERSION_INFO: Readonly<
  Record<"branch" | "buildDate" | "buildUser" | "goVersion" | "revision" | "version", string>
> = {
  branch: "HEAD",
  buildDate: "",
  buildUser: "narthex",
  goVersion: `node-${process.versions.node}`,
  revision: `narthex-${NARTHEX_VERSION}`,
  version: COMPATIBLE_VERSION,
};

/** What `--version` prints: the reference's lines, which scripts read. */
export function versionText(): string {
  const { branch, revision, buildUser, buildDate, goVersion, version } = VERSION_INFO;
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const lines = [
    ["build user", buildUser],
    ["build date", buildDate],
    ["go version", goVersion],
    ["platform", platform],
    ["tags", "unknown"],
  ].map(([name, value]) => `  ${`${name}:`.padEnd(18)}${value}`.trimEnd());
  return [`alertmanager, version ${version} (branch: ${branch}, revision: ${revision})`, ...lines, ""].join("\n");
}
