// Whole files that are replaced: a kill at any moment leaves the old one or the new one.
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Where what cannot be read of a file is set aside, so that writing the file anew does not lose it. */
export function damagedPath(path: string): string {
  return `${path}.damaged-${Date.now()}`;
}

/**
 * Writes a file aside, flushes and renames it: there is always a whole one under the name. Its folder must exist. Rejects when it
 * could not be written; then the file is as it was.
 */
export async function writeDurably(path: string, bytes: Uint8Array | string): Promise<void> {
  const aside = join(dirname(path), `${basename(path)}.${Math.random().toString(16).slice(2)}`);
  const handle = await open(aside, "w", 0o666);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await unlink(aside).catch(() => {});
    throw error;
  }
  await handle.close();
  await rename(aside, path);
  const folder = await open(dirname(path), "r");
  // The name is safe only once the folder is.
  await folder.sync().catch(() => {});
  await folder.close();
}
