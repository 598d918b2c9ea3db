// The server and the Alertmanager as a few files instead of four hundred, each with the code that the engine compiled from it: a fraction of the time to
// start, for each thread too.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { SourceMap } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { KERNELS } from "./kernels.mjs";

/** Calls that print where they stand, see `packages/toolkit/log/call-site.ts`. */
const LOG_CALL = /\.(debug|info|warn|error)\(|\[level\]\(/;

/** A start takes a second where much else is going on. */
const START_PATIENCE_MS = 30_000;

/** Reading it runs what reading most configurations runs. */
const START_CONFIG = `# Nothing answers at these addresses.
global:
  scrape_interval: 15s
  external_labels: { site: "a", 'replica': b }
scrape_configs:
  - job_name: first
    scrape_timeout: 5s
    static_configs:
      - targets: ["127.0.0.1:1", '127.0.0.1:2']
        labels:
          env: "test"
      - targets:
          - 127.0.0.1:3
    relabel_configs:
      - source_labels: [__address__, env]
        regex: "(.+):(\\\\d+);.*"
        target_label: host
        replacement: $1
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: go_.*
        action: drop
  - job_name: second
    metrics_path: /other
    honor_labels: true
    params:
      module: [x]
    static_configs:
      - targets: [127.0.0.1:4]
`;

/** Bundles the compiled programs for the launcher, unless a bundle of this very code is there. */
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
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "commonjs" }\n');
  // The storage engine looks for them beside itself.
  copyFileSync(join(root, KERNELS), join(folder, basename(KERNELS)));
  const server = join(root, "apps/server/dist");
  const tsdb = join(root, "packages/tsdb/dist");
  const launcher = join(root, "apps/narthex/bin");
  // Each worker under the name by which it is started; the server last, as it tells that all is done.
  await bundle(join(root, "apps/narthex/dist/launch.js"), folder, launcher);
  await bundle(join(server, "query/query-worker.js"), folder, launcher);
  await bundle(join(tsdb, "head-compaction-worker.js"), folder, launcher);
  await bundle(join(tsdb, "replay/replay-worker.js"), folder, launcher);
  await bundle(join(tsdb, "replay/replay-thread.js"), folder, launcher);
  await bundle(join(root, "apps/alertmanager/dist/index.js"), folder, launcher, "alertmanager");
  await bundle(join(root, "apps/pushgateway/dist/index.js"), folder, launcher, "pushgateway");
  await bundle(join(server, "index.js"), folder, launcher, "server");
}

/** Folders of the packages and of the programs: whatever the bundles are made of. */
function members(root) {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  const programs = ["alertmanager", "narthex", "pushgateway", "server"].map((name) => join(root, "apps", name));
  return [...packages, ...programs];
}

/** Bundles one entry into `folder`: `NAME.js` runs `NAME.code.js`, beside which stand its compiled code and the places of its log lines. */
async function bundle(entry, folder, launcher, name = basename(entry, ".js")) {
  const { rolldown } = await import("rolldown");
  const build = await rolldown({
    input: entry,
    platform: "node",
    external: [/^node:/, "@narthex/server", "@narthex/pushgateway", "@narthex/alertmanager", /^nodemailer/],
    transform: { define: { "import.meta.url": "bundleUrl", "import.meta.resolve": "bundleResolve" } },
    logLevel: "warn",
  });
  const code = `${name}.code.js`;
  await build.write({
    dir: folder,
    format: "cjs",
    sourcemap: true,
    comments: false,
    // Variables inside functions and private members get short names: Node keeps the text in memory. Lines stay, and so do all other names.
    minify: { compress: false, mangle: { toplevel: false, keepNames: true }, codegen: { removeWhitespace: false } },
    codeSplitting: false,
    entryFileNames: code,
  });
  writeSites(join(folder, code));
  finishText(join(folder, code));
  if (name === "launch") {
    // It is small, and where programs are not bundled it imports them, which code compiled beforehand cannot.
    const text = readFileSync(join(folder, code), "latin1");
    const given = `exports, require, module, toUrl(__filename).href, (name) => toUrl(require.resolve(name)).href`;
    writeFileSync(
      join(folder, "launch.js"),
      `const { pathToFileURL: toUrl } = require("node:url");${text.trimEnd()}(${given});\n`,
    );
    return;
  }
  keepCode(join(folder, code), launcher, name);
  const stub = `module.exports = require("../../bin/load-bundle.cjs")(require.resolve("./${code}"));\n`;
  writeFileSync(join(folder, `${name}.js`), stub);
}

/** Keeps the code that the engine compiles from a bundle: of the server, all that it needs for a start. */
function keepCode(file, launcher, name) {
  const keep = (...how) => {
    const make = [join(launcher, "load-bundle.cjs"), ...how, file];
    execFileSync(process.execPath, make, { stdio: "pipe", timeout: START_PATIENCE_MS });
  };
  if (name === "server") {
    const folder = mkdtempSync(join(tmpdir(), "narthex-build-"));
    try {
      const config = join(folder, "start.yml");
      writeFileSync(config, START_CONFIG);
      keep("--start", `--config.file=${config}`, `--storage.tsdb.path=${folder}`, "--web.listen-address=127.0.0.1:0");
      return;
    } catch (error) {
      // Where it cannot start, it takes a little longer to start elsewhere.
      console.error(`narthex: the server did not start for the sake of its compiled code: ${error.message}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  // What a worker does when it is loaded needs the thread that starts it; the others' files only define.
  if (["server", "pushgateway", "replay-thread"].includes(name)) keep("--run");
  else keep();
}

/**
 * Makes a bundle one function of what `load-bundle.cjs` gives it, on the same lines, in plain characters: Node keeps the source of
 * what runs, with two bytes a character as soon as one of them is not plain.
 */
function finishText(file) {
  const escaped = (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const text = whenUsed(readFileSync(file, "utf8")).replace(/[^\0-\x7e]/g, escaped);
  writeFileSync(file, `(function (exports, require, module, bundleUrl, bundleResolve) {${LAZILY}${text}\n})\n`);
}

/** Loads something when it is first asked for. */
const LAZILY = "const lazily = (load) => { let loaded; return () => (loaded ??= load()); };";

/** Lets a bundle load Node's own modules when it first uses them: a start does without some. The lines stay where they are. */
function whenUsed(text) {
  const imports = /^let (node_\w+) = require\("(node:[\w/]+)"\);\n(\1 = (__toESM\()\1((?:, 1)?\));)?/gm;
  const found = [...text.matchAll(imports)];
  let result = text;
  for (const [all, name, specifier, , open = "", close = ""] of found) {
    const [before, behind] = result.split(all);
    const used = (part) => part.replace(new RegExp(`\\b${name}\\b`, "g"), `(${name}())`);
    const load = `const ${name} = lazily(() => ${open}require("${specifier}")${close});\n`;
    result = used(before) + load + used(behind);
  }
  return result;
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
