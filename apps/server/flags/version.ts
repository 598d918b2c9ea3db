// What `--version` prints: the reference's lines, which scripts read.
import { BUILD_INFO } from "../build-info.ts";

/** The lines for a version, newline included. */
export function versionText(version: string): string {
  const { branch, revision, buildUser, buildDate, goVersion } = BUILD_INFO;
  const platform = `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`;
  const lines = [
    ["build user", buildUser],
    ["build date", buildDate],
    ["go version", goVersion],
    ["platform", platform],
    ["tags", "unknown"],
  ].map(([name, value]) => `  ${`${name}:`.padEnd(18)}${value}`.trimEnd());
  return [`prometheus, version ${version} (branch: ${branch}, revision: ${revision})`, ...lines, ""].join("\n");
}
