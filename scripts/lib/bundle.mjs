// The server as a few files instead of four hundred: a third of the time to start, for each query worker too.
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { basename, join } from "node:path";
import { KERNELS } from "./kernels.mjs";

/** Calls that print where they stand, see `packages/toolkit/log/call-site.ts`. */
const LOG_CALL = /\.(debug|info|warn|error)\(|\[level\]\(/;

/** Bundles the compiled server for the launcher, unless a bundle of this very code is there. */
export async function bundleServer(root) {
  const folder = join(root, "apps/narthex/dist/bundle");
  const newest = Math.max(
    statSync(join(root, KERNELS)).mtimeMs,
    ...members(root).map(
      (member) => statSync(join(member, "dist/.tsbuildinfo"), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    ),
  );
  const existing = statSync(join(folder, "server.js"), { throwIfNoEntry: false });
  if (existing !== undefined && existing.mtimeMs > newest) return;
  await bundle(join(root, "apps/server/dist"), folder);
  // The storage engine looks for them beside itself.
  copyFileSync(join(root, KERNELS), join(folder, basename(KERNELS)));
}

/** Folders of the packages and of the server: whatever the bundle is made of. */
function members(root) {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  return [...packages, join(root, "apps/server")];
}

/** Bundles into `folder`, each worker under the name by which it is started, with a table of the places of its log lines beside each file. */
async function bundle(server, folder) {
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: {
      server: join(server, "index.js"),
      "query-worker": join(server, "query/query-worker.js"),
      "replay-worker": join(server, "../../../packages/tsdb/dist/replay/replay-worker.js"),
      "head-compaction-worker": join(server, "../../../packages/tsdb/dist/head-compaction-worker.js"),
    },
    platform: "node",
    external: [/^node:/],
    logLevel: "warn",
  });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await build.write({
    dir: folder,
    format: "esm",
    sourcemap: true,
    comments: false,
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  for (const name of readdirSync(folder)) {
    if (!name.endsWith(".js")) continue;
    writeSites(join(folder, name));
    escapeText(join(folder, name));
  }
}

/** Node keeps the source of what runs, with two bytes a character as soon as one of them is not plain. None has to be. */
function escapeText(file) {
  const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  writeFileSync(file, readFileSync(file, "utf8").replace(/[^\0-\x7e]/g, escaped));
}

/** From line of the bundle to `file.ts:line`, for the lines that log. Goes through both maps: bundle to compiled, compiled to source. */
function writeSites(file) {
  const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, "utf8")));
  const compiledMaps = new Map();
  const sites = {};
  readFileSync(file, "utf8")
    .split("\n")
    .forEach((text, i) => {
      if (!LOG_CALL.test(text)) return;
      const entry = map.findEntry(i, text.search(LOG_CALL));
      if (entry.originalSource === undefined || entry.originalSource.includes("node_modules")) return;
      sites[i + 1] = sourceOf(entry, join(file, ".."), compiledMaps);
    });
  writeFileSync(`${file}.sites.json`, JSON.stringify(sites));
  rmSync(`${file}.map`);
}

function sourceOf({ originalSource, originalLine, originalColumn }, folder, compiledMaps) {
  const compiled = join(folder, originalSource);
  if (!compiledMaps.has(compiled)) {
    try {
      compiledMaps.set(compiled, new SourceMap(JSON.parse(readFileSync(`${compiled}.map`, "utf8"))));
    } catch {
      compiledMaps.set(compiled, undefined);
    }
  }
  const entry = compiledMaps.get(compiled)?.findEntry(originalLine, originalColumn);
  return entry?.originalSource === undefined
    ? `${basename(compiled)}:${originalLine + 1}`
    : `${basename(entry.originalSource)}:${entry.originalLine + 1}`;
}
