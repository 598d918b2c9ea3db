import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Every compiled test of the tree, sorted: `*.test.js` and `*.fuzz.js` below a `dist`, `*.test.mjs` below `tests`. */
export function findTests(root) {
  return find(root, (name, compiled) => (compiled ? /\.(test|fuzz)\.js$/.test(name) : name.endsWith(".test.mjs")));
}

/** Every compiled micro-benchmark of the tree, sorted. */
export function findBenches(root) {
  return find(root, (name, compiled) => compiled && name.endsWith(".bench.js"));
}

function find(root, isWanted) {
  const found = [];
  walk(root, false);
  return found.sort();

  function walk(folder, compiled) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === "node_modules" || entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path, compiled || entry.name === "dist");
      else if (isWanted(entry.name, compiled) && !(compiled && isLeftOver(path))) found.push(path);
    }
  }
}

/** What an earlier build made of a source that is not there any more. */
function isLeftOver(path) {
  // The page's sources lie in a folder of their own, and are compiled for tests beside what is built of it.
  const source = path.replace("/dist-types/dist/", "/src/").replace("/dist/", "/").replace(/\.js$/, ".ts");
  return !existsSync(source) && !existsSync(`${source}x`);
}
