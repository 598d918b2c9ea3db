import assert from "node:assert/strict";
import { test } from "node:test";
import { prefixOf, routeOf } from "./path-prefix.ts";

test("path prefix: what stands before a known route, with or without a slash at the end", () => {
  assert.equal(prefixOf("/"), "");
  assert.equal(prefixOf("/query"), "");
  assert.equal(prefixOf("/query/"), "");
  assert.equal(prefixOf("/a/b/targets"), "/a/b");
  assert.equal(prefixOf("/a/b/"), "/a/b");
  assert.equal(prefixOf("/query/query"), "/query");
});

test("routes: what is left below the prefix", () => {
  assert.equal(routeOf("/query", ""), "query");
  assert.equal(routeOf("/a/b/targets/", "/a/b"), "targets");
  assert.equal(routeOf("/a/b", "/a/b"), "");
  assert.equal(routeOf("/what/ever", ""), "what/ever");
});
