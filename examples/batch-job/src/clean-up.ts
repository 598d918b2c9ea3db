// The job: looks at every file of a folder. It deletes nothing, as it is an example.
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { JobMetrics } from "./job-metrics.ts";

/** Counts the files of one folder. */
export async function cleanUp(folder: string = ".", metrics: JobMetrics): Promise<void> {
  for await (const entry of await opendir(folder)) {
    if (!entry.isFile()) continue;
    metrics.files.inc();
    metrics.bytes.inc((await stat(join(folder, entry.name))).size);
  }
}
