// A database that is only looked at, by tools: no lock, nothing on the disk changes, not even what a start would repair.
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FileSystemError } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { OverlayFs } from "./fs/overlay-fs.ts";

/**
 * Opens a directory for reading, whoever is writing to it. Repairs, full chunks and a log of its own go to memory, about as much of
 * it as the head has chunks. Workers cannot read along. Throws when there is no such directory.
 */
export function openReadOnly(options: Omit<DbOptions, "retention" | "maintenanceIntervalMs">): Promise<Db> {
  const lower = options.fs ?? new NodeFs();
  if (lower.kind(options.directory) !== "directory") {
    return Promise.reject(new FileSystemError("ENOENT", "open", options.directory));
  }
  return Db.open({ ...options, fs: new OverlayFs(lower), maintenanceIntervalMs: 0, lockFile: false });
}
