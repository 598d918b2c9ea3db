// Pages must not name what is not there.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

/** Paths in backticks that begin at one of the tree's top folders. */
const TREE_PATH = /`((?:packages|apps|docs|tests|scripts|bench|examples)\/[\w./@-]+)`/g;
const LINK = /\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g;

test("every path named in docs/architecture.md exists", () => {
  const text = readFileSync(join(root, "docs/architecture.md"), "utf8");
  const paths = [...text.matchAll(TREE_PATH)].map((match) => match[1]);
  assert.ok(paths.length >= 10, "the page names the stops of both journeys");
  assert.deepEqual(
    paths.filter((path) => !existsSync(join(root, path))),
    [],
  );
});

for (const page of ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/dependencies.md"]) {
  test(`every link of ${page} leads somewhere`, () => {
    const text = readFileSync(join(root, page), "utf8");
    const dead = [...text.matchAll(LINK)]
      .map((match) => match[1])
      .filter((target) => !existsSync(join(root, dirname(page), target)));
    assert.deepEqual(dead, []);
  });
}
