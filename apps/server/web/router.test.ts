import assert from "node:assert/strict";
import { test } from "node:test";
import { Router } from "./router.ts";

const router = new Router<string>();
for (const path of ["/", "/api/v1/query", "/api/v1/label/:name/values", "/api/v1/*", "/user/*", "/api/v1/deep/*"])
  router.add(path, path);

const CASES: [path: string, found: string | undefined, params: Record<string, string>][] = [
  ["/", "/", {}],
  ["/api/v1/query", "/api/v1/query", {}],
  ["/api/v1/query/", "/api/v1/*", { "*": "query/" }],
  ["/api/v1/label/http%2Emethod/values", "/api/v1/label/:name/values", { name: "http.method" }],
  ["/api/v1/label//values", "/api/v1/*", { "*": "label//values" }],
  ["/api/v1/label/a/b/values", "/api/v1/*", { "*": "label/a/b/values" }],
  ["/api/v1/deep/er", "/api/v1/deep/*", { "*": "er" }],
  ["/user/a%20b/c", "/user/*", { "*": "a b/c" }],
  ["/user", undefined, {}],
  ["/nothing", undefined, {}],
  ["/__proto__", undefined, {}],
];

for (const [path, value, params] of CASES) {
  test(`router: ${path} finds ${value ?? "nothing"}`, () => {
    const found = router.find(path);
    assert.equal(found?.value, value);
    assert.deepEqual(found?.params ?? {}, params);
  });
}

test("router: a part that encodes no UTF-8 is an error of its own", () => {
  assert.throws(() => router.find("/api/v1/label/%FF/values"), URIError);
});
