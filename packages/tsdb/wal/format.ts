// Framing of logs on disk: the WAL, the out-of-order log, checkpoints and memory snapshots share it.
// Source: tsdb/docs/format/wal.md of the reference, and its code where the two differ.
import { type FileSystem, isNotFound, joinPath } from "../fs/file-system.ts";

/** The log's directory in that of the database. */
export const WAL_DIRECTORY = "wal";

/** A log is cut into pages; a record may span several, a fragment never. */
export const PAGE_BYTES: number = 32 * 1024;
/** What the reader of a log reads ahead: whole pages, so that a fragment always lies in one piece. */
export const READ_BYTES: number = 32 * PAGE_BYTES;

/** Bytes before a fragment's data: type (1), length (2, big-endian), CRC-32C of the data (4, big-endian). */
export const FRAGMENT_HEADER_BYTES: number = 1 + 2 + 4;

/** Default size at which a segment is followed by the next. */
export const DEFAULT_SEGMENT_BYTES: number = 128 * 1024 * 1024;

/** Low three bits of a fragment's first byte. */
export const Fragment = { pageEnd: 0, full: 1, first: 2, middle: 3, last: 4 } as const;
export const FRAGMENT_TYPE_MASK = 0x07;
/** Flags of a fragment's first byte: the record was compressed as a whole before it was cut into fragments. */
export const SNAPPY_FLAG = 0x08;
export const ZSTD_FLAG = 0x10;

export type Compression = "none" | "snappy" | "zstd";

/** Files of a log directory, ascending. */
export interface Segment {
  readonly index: number;
  readonly path: string;
  readonly bytes: number;
}

/** A segment's file name. */
export function segmentName(index: number): string {
  return String(index).padStart(8, "0");
}

/** The segments of a log directory in order; other files are passed over. No directory means no segments. */
export function listSegments(fs: FileSystem, directory: string): Segment[] {
  let names: string[];
  try {
    names = fs.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
  const segments: Segment[] = [];
  for (const name of names) {
    if (!/^\d{1,15}$/.test(name)) continue;
    const path = joinPath(directory, name);
    if (fs.kind(path) === "file") segments.push({ index: Number(name), path, bytes: fs.size(path) });
  }
  return segments.sort((a, b) => a.index - b.index);
}

const CHECKPOINT_PREFIX = "checkpoint.";

/** A checkpoint holds what is kept of all segments up to and including `index`. */
export interface CheckpointFolder {
  readonly index: number;
  readonly path: string;
}

/** A checkpoint's directory name inside the log directory. */
export function checkpointName(index: number): string {
  return CHECKPOINT_PREFIX + segmentName(index);
}

/** All finished checkpoints of a log directory, ascending; unfinished ones (`.tmp`) are passed over. */
export function listCheckpoints(fs: FileSystem, directory: string): CheckpointFolder[] {
  let names: string[];
  try {
    names = fs.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
  const checkpoints: CheckpointFolder[] = [];
  for (const name of names) {
    if (!/^checkpoint\.\d{1,15}$/.test(name)) continue;
    const path = joinPath(directory, name);
    if (fs.kind(path) !== "directory") continue;
    checkpoints.push({ index: Number(name.slice(CHECKPOINT_PREFIX.length)), path });
  }
  return checkpoints.sort((a, b) => a.index - b.index);
}

/** The newest finished checkpoint, undefined when there is none. */
export function lastCheckpoint(fs: FileSystem, directory: string): CheckpointFolder | undefined {
  return listCheckpoints(fs, directory).at(-1);
}

/** Damage found in a log. `offset` is where the first byte that cannot be used lies, in bytes from the segment's start. */
export class WalCorruptionError extends Error {
  override readonly name = "WalCorruptionError";
  readonly code = "wal_corruption";
  readonly directory: string;
  readonly segment: number;
  readonly offset: number;
  /** Bytes of this and all later segments that come after the last usable record. */
  readonly lostBytes: number;
  readonly reason: string;

  constructor(directory: string, segment: number, offset: number, lostBytes: number, reason: string) {
    super(`corruption in segment ${joinPath(directory, segmentName(segment))} at ${offset}: ${reason}`);
    this.directory = directory;
    this.segment = segment;
    this.offset = offset;
    this.lostBytes = lostBytes;
    this.reason = reason;
  }
}
