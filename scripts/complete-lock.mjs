// Completes package-lock.json with the optional packages of other platforms, which `npm install` leaves out when the
// registry at hand does not have them; `npm ci` refuses a lock file without them. Run after adding a dependency.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./lib/bootstrap.mjs";

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const PROCESSORS = ["arm64", "arm", "x64", "ia32", "ppc64", "s390x", "riscv64", "loong64", "mips64el", "wasm32"];

/** Optional dependencies that a lock file names without an entry of their own, by the place where it belongs. */
export function missingOptionals({ packages }) {
  const missing = new Map();
  for (const [place, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const found = resolvedPlace(packages, place, name);
      // A range is met by what was found; only exact versions can differ.
      if (found !== undefined && (!/^\d/.test(version) || packages[found].version === version)) continue;
      // A place that holds another version is somebody else's: then it goes below the package that wants it.
      const free = found === undefined && !missing.has(`node_modules/${name}`);
      missing.set(free ? `node_modules/${name}` : `${place}/node_modules/${name}`, {
        name,
        version: version.replace(/^[~^]/, ""),
        dev: entry.dev === true,
      });
    }
  }
  return missing;
}

/** Where a package at `place` finds `name`: in its own folder of packages, or in one further up. */
function resolvedPlace(packages, place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const candidate = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (candidate in packages) return candidate;
    if (folder === "") return undefined;
  }
}

/** The platform that such a package's name tells. */
function platformOf(name) {
  const words = name.split("/").at(-1).split("-");
  const os = SYSTEMS.find((system) => words.includes(system));
  const cpu = PROCESSORS.find((processor) => words.includes(processor));
  return { ...(cpu === undefined ? {} : { cpu: [cpu] }), ...(os === undefined ? {} : { os: [os] }) };
}

if (process.argv[1] === import.meta.filename) {
  const file = join(root, "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  for (const [place, { name, version, dev }] of missingOptionals(lock)) {
    const platform = platformOf(name);
    // Without a platform npm would try to fetch it here.
    lock.packages[place] = {
      version,
      ...(platform.os === undefined && platform.cpu === undefined ? { os: ["!linux"] } : platform),
      ...(dev ? { dev } : {}),
      optional: true,
    };
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(file, `${JSON.stringify(lock, undefined, 2)}\n`);
}
