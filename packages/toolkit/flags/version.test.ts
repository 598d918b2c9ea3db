import assert from "node:assert/strict";
import { test } from "node:test";
import { NARTHEX_VERSION, versionText } from "./version.ts";

test("--version: the reference's lines, with the program's name, the release it follows and its tags", () => {
  const lines = versionText("promtool", "1.2.3", "netgo").split("\n");
  assert.deepEqual(lines, [
    `promtool, version 1.2.3 (branch: HEAD, revision: narthex-${NARTHEX_VERSION})`,
    "  build user:       narthex",
    "  build date:",
    `  go version:       node-${process.versions.node}`,
    `  platform:         ${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
    "  tags:             netgo",
    "",
  ]);
  assert.match(versionText("a", "1"), /\n {2}tags: {13}unknown\n$/);
});
