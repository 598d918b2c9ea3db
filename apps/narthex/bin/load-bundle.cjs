// Runs a bundle (scripts/lib/bundle.mjs) from the code that the engine compiled when it was built: half of the time to start, for
// each thread too. Where that code does not fit (another Node, other flags), the engine says so and compiles as ever.
const { readFileSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");

/** Runs `file` and returns what it exports. */
function loadBundle(file) {
  return run(compile(file), file);
}

function compile(file) {
  let cachedData;
  try {
    cachedData = readFileSync(`${file}.cache`);
  } catch {
    // Not made, or not to be read: it takes a little longer.
  }
  // A bundle has plain characters only, and is one function: see its head.
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  return new vm.Script(readFileSync(file, "latin1"), { filename: file, cachedData, importModuleDynamically });
}

function run(script, file) {
  const require = createRequire(file);
  const module = { exports: {} };
  const resolve = (name) => pathToFileURL(require.resolve(name)).href;
  script.runInThisContext()(module.exports, require, module, pathToFileURL(file).href, resolve);
  return module.exports;
}

module.exports = loadBundle;

// `node load-bundle.cjs FILE` keeps the compiled code beside FILE; with --run, that of what runs while it is loaded too; with
// `--start ARGUMENTS… FILE`, that of what its `main` runs until it is ready.
async function keep([how, ...rest]) {
  const file = rest.at(-1) ?? how;
  const script = compile(file);
  if (how === "--run") run(script, file);
  if (how === "--start") {
    const { main } = run(script, file);
    await new Promise((resolve, reject) => {
      const ended = main(rest.slice(0, -1), { onReady: resolve });
      ended.then((code) => reject(new Error(`${file} ended with code ${code}`)), reject);
    });
  }
  writeFileSync(`${file}.cache`, script.createCachedData());
  process.exit();
}

if (require.main === module) void keep(process.argv.slice(2));
