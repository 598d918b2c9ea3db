// The examples of the README run.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const folder = join(import.meta.dirname, "..");
const readme = await readFile(join(folder, "README.md"), "utf8");
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string);

test("README: there are examples", () => assert.ok(examples.length >= 1));

for (const [i, example] of examples.entries()) {
  test(`README: example ${i + 1} runs`, async () => {
    // Within the package, so that it finds it by its name.
    const scratch = await mkdtemp(join(import.meta.dirname, "example-"));
    try {
      const file = join(scratch, "example.mjs");
      await writeFile(file, example);
      const { stderr } = await promisify(execFile)(process.execPath, [file], { timeout: 20_000 });
      assert.doesNotMatch(stderr, /Assertion failed/);
    } finally {
      await rm(scratch, { recursive: true });
    }
  });
}
