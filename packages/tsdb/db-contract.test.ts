// The storage contract, held by the database on an empty directory.
import { storageContract } from "@narthex/storage/contract-suite";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

storageContract(
  "Db",
  async () => {
    const db = await Db.open({
      directory: "data",
      fs: new MemoryFs(),
      memoryBytes: 2 ** 26,
      maintenanceIntervalMs: 0,
    });
    return { storage: db, close: () => db.close() };
  },
  { histograms: true, startTimes: false },
);
