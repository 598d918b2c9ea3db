import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { openApiText } from "./openapi.ts";
import { addRemoteRoutes, type RemoteRoutes } from "./v1/remote-routes.ts";
import { type ApiRoutes, addApiRoutes } from "./v1/routes.ts";

/** `GET /query` and the like, of every route of the API. */
function routes(): string[] {
  const found: string[] = [];
  const web = {
    route: (path: string, methods: readonly string[]) => {
      if (!path.startsWith("/api/v1/") || path === "/api/v1/*") return;
      const named = path.replace("/api/v1", "").replace(/:(\w+)/g, "{$1}");
      for (const method of methods) found.push(`${method} ${named}`);
    },
  };
  addApiRoutes(web, {} as ApiRoutes);
  addRemoteRoutes(web, {} as RemoteRoutes);
  return found.sort();
}

test("OpenAPI: the description names exactly the paths and methods that are served", () => {
  const { paths } = parse(openApiText("3.1", "1.2.3")) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.sort(), routes());
});

test("OpenAPI: every reference leads somewhere, operation ids are unique, path parameters are described", () => {
  const document = parse(openApiText("3.2", "1.2.3")) as Record<string, unknown>;
  assert.equal(document["openapi"], "3.2.0");
  const ids: string[] = [];
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    for (const [key, value] of Object.entries(node)) {
      if (key === "operationId") ids.push(String(value));
      if (key !== "$ref") {
        visit(value);
        continue;
      }
      let found: unknown = document;
      for (const step of String(value).slice(2).split("/")) found = (found as Record<string, unknown>)[step];
      assert.notEqual(found, undefined, String(value));
    }
  };
  visit(document);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length > 40);
});
