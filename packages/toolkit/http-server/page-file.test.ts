import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { PageFile } from "./page-file.ts";

test("page file: is what it was at the start, however late it is asked for, and after the file is gone", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-page-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "a.css");
  writeFileSync(path, "old");
  const file = new PageFile(path);
  assert.equal(file.type, "text/css; charset=utf-8");
  writeFileSync(`${path}.new`, "new");
  renameSync(`${path}.new`, path);
  rmSync(path);
  for (let i = 0; i < 2; i++) assert.equal(file.bytes().toString(), "old");
});

test("page file: unknown kinds are bytes; a file that is not there is told at once", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "narthex-page-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "a.xyz"), "");
  assert.equal(new PageFile(join(folder, "a.xyz")).type, "application/octet-stream");
  assert.equal(new PageFile(join(folder, "a.xyz")).bytes().length, 0);
  assert.throws(() => new PageFile(join(folder, "nothing")), /ENOENT/);
});
