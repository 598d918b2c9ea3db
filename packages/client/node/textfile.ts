// Metrics for the node exporter's textfile collector.
import { randomBytes } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Exposable, register } from "../registry.ts";

/**
 * Writes everything as text to a file whose name must end in `.prom`. It is written aside and renamed, so that a collector never reads
 * half of it; rejects, leaving the old file, when that cannot be done.
 */
export async function writeTextfile(path: string, registry: Exposable = register): Promise<void> {
  if (!path.endsWith(".prom")) throw new Error(`the textfile collector reads only files that end in .prom: ${path}`);
  const aside = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(4).toString("hex")}.tmp`);
  const file = await open(aside, "wx");
  try {
    try {
      for await (const chunk of await registry.stream("text")) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}
