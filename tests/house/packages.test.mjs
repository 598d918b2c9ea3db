// The rules of the house: which package may import which, what must be declared, and what stays free of Node.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "../..");

/** What each package may import of ours; apps may import every package. */
const MAY_IMPORT = {
  model: [],
  encoding: [],
  client: [],
  hypertrace: ["client"],
  template: [],
  profiling: ["encoding"],
  storage: ["model"],
  exposition: ["model", "encoding", "client"],
  tsdb: ["model", "encoding", "storage", "client"],
  promql: ["model", "storage", "client"],
  toolkit: ["client"],
  tracing: ["encoding", "toolkit"],
  "http-metrics": ["client"],
  fastify: ["client", "http-metrics"],
  express: ["client", "http-metrics"],
  koa: ["client", "http-metrics"],
  hono: ["client", "http-metrics"],
};
const PURE = ["model", "encoding", "promql", "template"];
/** Apps that may import other apps: the launcher starts them, and takes the page's folder along. */
const LAUNCHER = "narthex";
const PAGE = { name: "web-ui", mayImport: ["model", "promql"] };
const IN_TESTS_ONLY = /(\.(test|fuzz|bench)\.tsx?|-fixture\.ts|\/testing\.ts)$/;

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s+(?:type\s+)?(?:[^"'`;]*?\sfrom\s+)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

function sources(folder) {
  const found = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (["node_modules", "dist", "dist-types", "dist-test"].includes(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) found.push(...sources(path));
    else if (/\.(ts|tsx)$/.test(entry.name)) found.push(path);
  }
  return found;
}

function importsOf(file) {
  const text = readFileSync(file, "utf8").replace(/^\s*(\/\/|\*).*$/gm, "");
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2]);
}

/** `@scope/name/deep` and `name/deep` without what is deep. */
function packageOf(specifier) {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : parts[0];
}

/** The programs; `examples` may import packages only. */
const members = ["packages", "apps", "examples"].flatMap((tier) =>
  readdirSync(join(root, tier), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => {
      const folder = join(root, tier, entry.name);
      const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const imports = sources(folder).flatMap((file) => importsOf(file).map((specifier) => ({ file, specifier })));
      return { tier, name: entry.name, folder, manifest, imports };
    }),
);
const rootManifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const place = ({ file, specifier }) => `${relative(root, file)} imports ${specifier}`;

test("imports between packages follow the arrows of the design", () => {
  const wrong = members.flatMap(({ tier, name, imports }) =>
    imports.filter(({ specifier }) => {
      if (!specifier.startsWith("@narthex/")) return false;
      const target = specifier.split("/")[1];
      if (target === name) return false;
      if (tier === "packages") return !(MAY_IMPORT[name] ?? []).includes(target);
      if (name === PAGE.name) return !PAGE.mayImport.includes(target);
      return !(target in MAY_IMPORT) && name !== LAUNCHER;
    }),
  );
  assert.deepEqual(wrong.map(place), []);
});

test("no app imports another app, the launcher apart", () => {
  const apps = new Set(members.filter(({ tier }) => tier === "apps").map(({ name }) => `@narthex/${name}`));
  assert.ok(apps.has("@narthex/pushgateway"));
  const wrong = members
    .filter(({ name }) => name !== LAUNCHER)
    .flatMap(({ name, imports }) =>
      imports.filter(({ specifier }) => apps.has(packageOf(specifier)) && packageOf(specifier) !== `@narthex/${name}`),
    );
  assert.deepEqual(wrong.map(place), []);
});

test("every package stands in the table of arrows", () => {
  const unknown = members
    .filter(({ tier, name }) => tier === "packages" && !(name in MAY_IMPORT))
    .map(({ name }) => name);
  assert.deepEqual(unknown, []);
});

test("every bare import stands in the manifest of its package", () => {
  const wrong = members.flatMap(({ name, manifest, imports }) => {
    const runtime = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies };
    const development = { ...runtime, ...manifest.devDependencies, ...rootManifest.devDependencies };
    return imports.filter(({ file, specifier }) => {
      if (specifier.startsWith(".") || specifier.startsWith("node:")) return false;
      if (packageOf(specifier) === `@narthex/${name}`) return false;
      const declared = IN_TESTS_ONLY.test(file) || name === PAGE.name ? development : runtime;
      return !(packageOf(specifier) in declared);
    });
  });
  assert.deepEqual(wrong.map(place), []);
});

test("no import reaches into another package's folder", () => {
  const wrong = members.flatMap(({ folder, imports }) =>
    imports.filter(
      ({ file, specifier }) => specifier.startsWith(".") && !join(file, "..", specifier).startsWith(folder),
    ),
  );
  assert.deepEqual(wrong.map(place), []);
});

test("the pure packages import nothing of Node", () => {
  const wrong = members
    .filter(({ tier, name }) => tier === "packages" && PURE.includes(name))
    .flatMap(({ imports }) =>
      imports.filter(({ file, specifier }) => specifier.startsWith("node:") && !IN_TESTS_ONLY.test(file)),
    );
  assert.deepEqual(wrong.map(place), []);
});

test("the core of the client library imports nothing of Node, so that it runs elsewhere", () => {
  const { folder, imports } = members.find(({ name }) => name === "client");
  const wrong = imports.filter(
    ({ file, specifier }) =>
      specifier.startsWith("node:") && !IN_TESTS_ONLY.test(file) && !/^(node|compat)\//.test(relative(folder, file)),
  );
  assert.deepEqual(wrong.map(place), []);
});

test("the client library has no runtime dependency", () => {
  const client = members.find(({ name }) => name === "client");
  assert.deepEqual(client.manifest.dependencies ?? {}, {});
});

test("every dependency has its line in docs/dependencies.md", () => {
  const page = readFileSync(join(root, "docs/dependencies.md"), "utf8");
  const named = [rootManifest, ...members.map(({ manifest }) => manifest)].flatMap((manifest) =>
    Object.keys({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }),
  );
  const missing = [...new Set(named)].filter((name) => !name.startsWith("@narthex/") && !page.includes(`\`${name}\``));
  assert.deepEqual(missing, []);
});

test("the lock file carries no download address", () => {
  assert.doesNotMatch(readFileSync(join(root, "package-lock.json"), "utf8"), /"resolved": *"http/);
});

test("the lock file has an entry for every optional package, so that npm ci takes it on every platform", async () => {
  const { missingOptionals } = await import("../../scripts/complete-lock.mjs");
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  assert.deepEqual([...missingOptionals(lock).keys()], []);
});
