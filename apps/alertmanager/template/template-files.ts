// Which files the patterns under `templates` mean.
import { existsSync, readdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { compileRegex } from "@narthex/model";

/** Files of one pattern are sorted; patterns keep their order. What matches nothing is no error, as in the reference. */
export function templateFiles(patterns: readonly string[]): string[] {
  return patterns.flatMap(expandPattern);
}

function expandPattern(pattern: string): string[] {
  let found = [isAbsolute(pattern) ? "/" : ""];
  for (const part of pattern.split("/").filter((each) => each !== "")) {
    if (!/[*?[\\]/.test(part)) {
      found = found.map((folder) => join(folder, part));
      continue;
    }
    const expression = compileRegex(partPattern(part));
    found = found.flatMap((folder) =>
      namesIn(folder)
        .filter((name) => expression.matches(name))
        .map((name) => join(folder, name)),
    );
  }
  return found.filter((file) => existsSync(file));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder === "" ? "." : folder).sort();
  } catch {
    return [];
  }
}

/** Source: Go's `path/filepath.Match`. */
function partPattern(part: string): string {
  return part.replace(/\\(.)|\[(\^?)((?:\\.|[^\]])+)\]|[*?]|[.+^${}()|[\]\\]/g, (all, escaped, not, set) => {
    if (escaped !== undefined) return `\\${escaped}`;
    if (set !== undefined) return `[${not}${set}]`;
    if (all === "*") return "[^/]*";
    return all === "?" ? "[^/]" : `\\${all}`;
  });
}
