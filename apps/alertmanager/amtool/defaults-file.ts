// The files in which flags' defaults stand: flat YAML, a flag's name and its value a line.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseYaml, YamlSyntaxError } from "@narthex/toolkit";

/** Names that flags once had. */
const OLD_NAMES: Readonly<Record<string, string>> = { comment_required: "require-comment" };

/** Where the reference looks, and where Debian's build of it does; the user's before the machine's. */
export function defaultsFiles(home: string | undefined): string[] {
  const own = home === undefined ? [] : ["amtool/config.yml", "prometheus/amtool.yml"];
  return [
    ...own.map((name) => join(home as string, ".config", name)),
    "/etc/amtool/config.yml",
    "/etc/prometheus/amtool.yml",
  ];
}

/** Texts by flag name, of all files that exist; earlier files win. Throws an error with one clear sentence. */
export function readDefaults(files: readonly string[]): Map<string, string> {
  const defaults = new Map<string, string>();
  for (const file of files) {
    if (!existsSync(file)) continue;
    for (const [name, text] of readFile(file)) if (!defaults.has(name)) defaults.set(name, text);
  }
  return defaults;
}

function readFile(file: string): Map<string, string> {
  const own = new Map<string, string>();
  try {
    const { root } = parseYaml(readFileSync(file, "utf8"));
    if (root === undefined) return own;
    if (root.kind !== "mapping") throw new Error("the file must be one mapping of flag names to values");
    for (const { key, value } of root.entries) {
      if (key.kind !== "scalar" || value.kind !== "scalar")
        throw new Error(`line ${value.at.line}: a flag's value must be one word or text`);
      own.set(key.text, value.text);
    }
  } catch (error) {
    const place = error instanceof YamlSyntaxError ? `line ${error.at.line}: ` : "";
    throw new Error(`could not load config file: ${file}: ${place}${(error as Error).message}`, { cause: error });
  }
  for (const [old, name] of Object.entries(OLD_NAMES)) {
    const text = own.get(old);
    own.delete(old);
    if (text !== undefined && !own.has(name)) own.set(name, text);
  }
  return own;
}
