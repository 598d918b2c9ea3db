// Pages must not name what is not there.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
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

const GUIDES = readdirSync(join(root, "docs/guides")).map((name) => `docs/guides/${name}`);
const READMES = ["packages", "apps"]
  .flatMap((tier) => readdirSync(join(root, tier)).map((name) => `${tier}/${name}/README.md`))
  .filter((page) => existsSync(join(root, page)));

test("every path named in the guides exists", () => {
  const paths = GUIDES.flatMap((page) => [...readFileSync(join(root, page), "utf8").matchAll(TREE_PATH)]);
  assert.ok(paths.length >= 5);
  assert.deepEqual(
    paths.map((match) => match[1]).filter((path) => !existsSync(join(root, path))),
    [],
  );
});

const PAGES = ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "docs/dependencies.md", ...GUIDES, ...READMES];
for (const page of PAGES) {
  test(`every link of ${page} leads somewhere`, () => {
    const text = readFileSync(join(root, page), "utf8");
    const dead = [...text.matchAll(LINK)]
      .map((match) => match[1])
      .filter((target) => !existsSync(join(root, dirname(page), target)));
    assert.deepEqual(dead, []);
  });
}
