// Chunk snapshots: the head's open chunks, written at a clean shutdown so that the next start replays no log.
//
// Source: tsdb/head_wal.go of the reference (`memory-snapshot-on-shutdown`); docs/format/chunk-snapshot.md.
import { type FileSystem, isNotFound, joinPath } from "../fs/file-system.ts";

/** First byte of a record. */
export const ChunkSnapshotRecord = { series: 1, tombstones: 2, exemplars: 3 } as const;

/** The version byte in front of the tombstones. */
export const TOMBSTONES_VERSION = 1;

/** Samples of which the format keeps time and value behind an XOR chunk; the reference fills in only the last value. */
export const KEPT_SAMPLES = 4;

/**
 * A log of our own inside a snapshot's directory, which the reference passes over: what it does not keep, but a start without the
 * log needs. Its first record is the stamp, then come records as in the WAL (series under a second ref, metadata).
 */
export const EXTRAS_DIRECTORY = "narthex";
/** First byte of the stamp: no record of the WAL. */
export const STAMP_RECORD = 0xf0;
export const STAMP_VERSION = 1;

const PREFIX = "chunk_snapshot.";
const TMP_SUFFIX = ".tmp";
const NAME = /^chunk_snapshot\.(\d{1,15})\.(\d{1,15})$/;

/** A snapshot holds what the log says up to `offset` of `segment`. */
export interface ChunkSnapshotFolder {
  readonly segment: number;
  readonly offset: number;
  readonly path: string;
}

/** A snapshot's directory name inside the data directory. */
export function chunkSnapshotName(segment: number, offset: number): string {
  return `${PREFIX}${String(segment).padStart(6, "0")}.${String(offset).padStart(10, "0")}`;
}

/** Where it is written until it is whole. */
export function unfinishedPath(path: string): string {
  return path + TMP_SUFFIX;
}

/** All finished snapshots of a data directory, the newest last; whatever else has such a name is passed over. */
export function listChunkSnapshots(fs: FileSystem, directory: string): ChunkSnapshotFolder[] {
  const found: ChunkSnapshotFolder[] = [];
  for (const name of namesIn(fs, directory)) {
    const match = NAME.exec(name);
    const path = joinPath(directory, name);
    if (match === null || fs.kind(path) !== "directory") continue;
    found.push({ segment: Number(match[1]), offset: Number(match[2]), path });
  }
  return found.sort((a, b) => a.segment - b.segment || a.offset - b.offset);
}

/** Removes all snapshots but `kept` (a path), and unfinished ones. Returns the paths. */
export function removeChunkSnapshots(fs: FileSystem, directory: string, kept?: string): string[] {
  const paths = listChunkSnapshots(fs, directory)
    .map(({ path }) => path)
    .filter((path) => path !== kept);
  for (const name of namesIn(fs, directory)) {
    if (name.endsWith(TMP_SUFFIX) && NAME.test(name.slice(0, -TMP_SUFFIX.length)))
      paths.push(joinPath(directory, name));
  }
  for (const path of paths) fs.removeAll(path);
  if (paths.length > 0) fs.syncDirectory(directory);
  return paths;
}

/** A snapshot that contradicts its format. */
export class ChunkSnapshotError extends Error {
  override readonly name = "ChunkSnapshotError";
  readonly code = "chunk_snapshot_corrupt";
}

function namesIn(fs: FileSystem, directory: string): string[] {
  try {
    return fs.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}
