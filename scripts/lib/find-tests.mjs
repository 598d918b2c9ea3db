import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Every compiled test of the tree, sorted: `*.test.js` and `*.fuzz.js` below a `dist`, `*.test.mjs` below `tests`. */
export function findTests(root) {
  const found = [];
  walk(root, false);
  return found.sort();

  function walk(folder, compiled) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.name === "node_modules" || entry.name.startsWith(".")) continue;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path, compiled || entry.name === "dist");
      else if (compiled && /\.(test|fuzz)\.js$/.test(entry.name)) found.push(path);
      else if (!compiled && entry.name.endsWith(".test.mjs")) found.push(path);
    }
  }
}
