// The launcher's file is a script for the shell that turns into a program: it must start from wherever it is called.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { COMMAND, scratch } from "../lib/program.mjs";

test("launcher: starts by a link, by the shell, by node, and hands arguments over as they are", (t) => {
  const file = realpathSync(COMMAND);
  const folder = join(scratch(t), "a folder's $HOME");
  mkdirSync(folder);
  const link = join(folder, "the link");
  symlinkSync(file, link);
  const odd = `"a b" 'c' $d \\`;
  for (const [program, ...args] of [
    [COMMAND],
    [link],
    ["/bin/sh", link],
    ["/bin/sh", file],
    [process.execPath, file],
  ]) {
    const { status, stderr } = spawnSync(program, [...args, odd], { encoding: "utf8", cwd: folder });
    assert.equal(status, 2);
    assert.ok(stderr.startsWith(`narthex: unknown subcommand ${JSON.stringify(odd)};`), stderr);
  }
});
