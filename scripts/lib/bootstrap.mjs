// What a fresh clone lacks, brought in at need: dependencies (`npm ci`) and whatever of the build is stale.
// Plain JavaScript without dependencies, since it runs before anything is installed.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");

/** Runs a command with its output shown; ends this process with the command's exit code when it fails. */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (error) console.error(`${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs dependencies when there are none, or when the lock file is newer than what is installed. */
export function install() {
  const installed = join(root, "node_modules/.package-lock.json");
  const lock = join(root, "package-lock.json");
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  console.error("narthex: installing dependencies (npm ci), about half a minute the first time");
  run("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
}

/** Compiles the TypeScript that changed (some of it to CommonJS, too) and the kernels, bundles the server, and builds the web page; each only where it is stale. */
export async function build() {
  run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"]);
  const { buildCommonJs } = await import("./commonjs.mjs");
  await buildCommonJs(root);
  const { buildKernels } = await import("./kernels.mjs");
  await buildKernels(root);
  const { bundleServer } = await import("./bundle.mjs");
  await bundleServer(root);
  const page = join(root, "apps/web-ui/dist/index.html");
  const sources = ["apps/web-ui", "packages/model", "packages/promql"];
  if (existsSync(page) && sources.every((folder) => newestSource(join(root, folder)) <= statSync(page).mtimeMs)) return;
  console.error("narthex: building the web page");
  run(process.execPath, [join(root, "node_modules/vite/bin/vite.js"), "build", "--logLevel", "warn"], {
    cwd: join(root, "apps/web-ui"),
  });
}

function newestSource(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "dist" || entry.name === "dist-types" || entry.name === "node_modules") continue;
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestSource(path) : statSync(path).mtimeMs);
  }
  return newest;
}
