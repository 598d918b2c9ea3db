// Registers whatever stands in a folder: files, and folders with an index.
import { existsSync, readdirSync } from "node:fs";
import type { FastifyInstance, FastifyPluginAsync } from "fastify";

/** Registers the default export of each module, in the order of their names. */
export async function loadFolder(server: FastifyInstance, folder: URL): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const module = moduleOf(folder, entry.name, entry.isDirectory());
    if (module === undefined) continue;
    const { default: plugin } = (await import(module.href)) as { default: FastifyPluginAsync };
    await server.register(plugin);
  }
}

function moduleOf(folder: URL, name: string, isFolder: boolean): URL | undefined {
  if (!isFolder) return /(?<!\.d)\.[jt]s$/.test(name) ? new URL(`${folder.href}/${name}`) : undefined;
  return ["js", "ts"]
    .map((ending) => new URL(`${folder.href}/${name}/index.${ending}`))
    .find((candidate) => existsSync(candidate));
}
