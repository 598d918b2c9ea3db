// CommonJS beside the ES modules, for packages whose manifest has a `require` condition: each entry bundled from what the compiler made,
// what they share in files of its own, and the types again, since their module kind follows from the folder they lie in.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** Builds them where they are older than the compiled package. */
export async function buildCommonJs(root) {
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = join(root, "packages", name);
    const inputs = entriesOf(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")));
    if (inputs.length > 0) await buildPackage(folder, inputs);
  }
}

/** Compiled entries, `dist/node/index.js`, of which there is to be a `dist/cjs/node/index.js`. */
function entriesOf({ exports }) {
  const found = new Set();
  const walk = (conditions) => {
    if (typeof conditions !== "object" || conditions === null) return;
    const required = conditions.require?.default;
    if (required !== undefined) found.add(required.replace("./dist/cjs/", "dist/"));
    for (const inner of Object.values(conditions)) walk(inner);
  };
  walk(exports);
  return [...found];
}

async function buildPackage(folder, inputs) {
  const dist = join(folder, "dist");
  const target = join(dist, "cjs");
  const manifest = join(target, "package.json");
  const compiled = statSync(join(dist, ".tsbuildinfo")).mtimeMs;
  if ((statSync(manifest, { throwIfNoEntry: false })?.mtimeMs ?? 0) > compiled) return;
  const { rolldown } = await import("rolldown");
  rmSync(target, { recursive: true, force: true });
  const input = Object.fromEntries(
    inputs.map((path) => [relative("dist", path).slice(0, -".js".length), join(folder, path)]),
  );
  const build = await rolldown({ input, platform: "node", external: /^(node:|@narthex\/)/, logLevel: "warn" });
  await build.write({ dir: target, format: "cjs", entryFileNames: "[name].js", chunkFileNames: "shared/[name].js" });
  copyTypes(dist, target);
  // Written last, as it tells that all is done.
  writeFileSync(manifest, '{ "type": "commonjs" }\n');
}

function copyTypes(dist, target) {
  for (const path of readdirSync(dist, { recursive: true })) {
    if (!path.endsWith(".d.ts") || path.startsWith("cjs") || /\.(test|bench|fuzz)\.d\.ts$/.test(path)) continue;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    copyFileSync(join(dist, path), join(target, path));
  }
}
