import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { DirectoryLock } from "./directory-lock.ts";

test("directory lock: a second one is refused until the first is released, which removes the file", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-lock-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const first = new DirectoryLock(directory);
  assert.equal(first.state, "clean");
  assert.throws(() => new DirectoryLock(directory), {
    code: "directory_locked",
    message: /resource temporarily unavailable/,
  });
  first.release();
  first.release();
  assert.equal(existsSync(join(directory, "lock")), false);
  new DirectoryLock(directory).release();
});

test("directory lock: it goes with a process that is killed, and the file left behind is told", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-lock-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const module = new URL("./directory-lock.js", import.meta.url).href;
  const script = `const { DirectoryLock } = await import(${JSON.stringify(module)}); globalThis.lock = new DirectoryLock(${JSON.stringify(directory)}); console.log("held"); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  assert.throws(() => new DirectoryLock(directory), { code: "directory_locked" });
  child.kill("SIGKILL");
  await once(child, "exit");
  const lock = new DirectoryLock(directory);
  assert.equal(lock.state, "left-over");
  lock.release();
});

test("directory lock: a file that the reference left is no obstacle", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-lock-"));
  t.after(() => rmSync(directory, { recursive: true }));
  writeFileSync(join(directory, "lock"), "");
  const lock = new DirectoryLock(directory);
  assert.equal(lock.state, "left-over");
  lock.release();
});
