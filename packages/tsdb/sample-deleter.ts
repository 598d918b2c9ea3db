// Deleting samples by time and matchers, from blocks and from the head: tombstones, which compaction acts on.
import { ByteWriter } from "@narthex/encoding";
import type { Matcher } from "@narthex/model";
import type { DbParts } from "./db-parts.ts";
import { stonesFor } from "./head/head-deleter.ts";
import { encodeTombstones } from "./wal/entry-records.ts";
import type { WalWriter } from "./wal/wal-writer.ts";

/** Tombstones in one record of the log. */
const STONES_PER_RECORD = 4096;

/** See `Db.delete`; nothing else may change blocks meanwhile. */
export async function deleteSamples(
  parts: DbParts,
  minTime: number,
  maxTime: number,
  matchers: readonly Matcher[],
): Promise<void> {
  const { keeper } = parts;
  const paths = keeper.list.overlapping(minTime, maxTime).map(({ path }) => path);
  if (paths.length > 0) {
    const texts = matchers.map(({ type, name, value }) => [type, name, value] as const);
    try {
      await parts.jobs.run({ kind: "delete", paths, minTime, maxTime, matchers: texts });
    } finally {
      parts.readers.blockDeletions++;
      keeper.list.refresh();
    }
  }
  deleteFromHead(parts, minTime, maxTime, matchers);
}

/** The log first, then what queries see. */
function deleteFromHead(parts: DbParts, minTime: number, maxTime: number, matchers: readonly Matcher[]): void {
  const { head, view } = parts;
  const wal = parts.wal as WalWriter;
  const snapshot = head.snapshots.take(head.table.lastRef);
  const stones = stonesFor(view, snapshot, minTime, maxTime, matchers, (record) => head.table.refOf(record));
  head.snapshots.release(snapshot);
  if (stones.length === 0) return;
  const record = new ByteWriter(1024);
  try {
    for (let from = 0; from < stones.length; from += STONES_PER_RECORD) {
      record.clear();
      encodeTombstones(record, stones.slice(from, from + STONES_PER_RECORD));
      wal.log(record.bytes, record.length);
    }
    wal.flush();
  } catch (error) {
    wal.discard();
    throw error;
  }
  head.deletions = head.deletions.with(stones);
}
