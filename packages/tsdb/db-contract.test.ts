// The storage contract, held by the database on an empty directory.
import { storageContract } from "@narthex/storage/contract-suite";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

function open(options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({
    directory: "data",
    fs: new MemoryFs(),
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    ...options,
  });
}

storageContract(
  "Db",
  async () => {
    const db = await open();
    return { storage: db, close: () => db.close() };
  },
  { histograms: true, startTimes: false },
);

storageContract(
  "Db with start timestamps",
  async () => {
    const db = await open({ floatEncoding: "xor2", logsStartTimes: true, histogramStartTimes: true });
    return { storage: db, close: () => db.close() };
  },
  { histograms: true, startTimes: true },
);
