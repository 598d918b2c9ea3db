// What ties a chunk snapshot to the log it was made from: it is used only beside that very log.
import { type ByteWriter, crc32c } from "@narthex/encoding";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { lastCheckpoint, PAGE_BYTES, segmentName } from "../wal/format.ts";
import { RecordReader } from "../wal/record-reader.ts";
import { ChunkSnapshotError, STAMP_RECORD, STAMP_VERSION } from "./format.ts";

/** The end of the last segment that the snapshot covers, and what the head knew beyond its series. */
export interface ChunkSnapshotStamp {
  /** The segment's number; -1 where the log begins with the snapshot. */
  readonly segment: number;
  readonly bytes: number;
  /** CRC-32C of the segment's last page. */
  readonly crc: number;
  /** The newest checkpoint; -1 for none. A later one may have dropped what the snapshot's series need. */
  readonly checkpoint: number;
  /** The highest series ref that was ever given: no series may get one of them anew. */
  readonly lastRef: number;
}

/** How the log ends with segment `segment` now. No such segment: the log begins behind it. */
export function stampOf(fs: FileSystem, walDirectory: string, segment: number, lastRef: number): ChunkSnapshotStamp {
  const checkpoint = lastCheckpoint(fs, walDirectory)?.index ?? -1;
  const path = joinPath(walDirectory, segmentName(segment));
  if (fs.kind(path) !== "file") return { segment: -1, bytes: 0, crc: 0, checkpoint, lastRef };
  const file = fs.open(path, "read");
  try {
    const bytes = file.size();
    const page = new Uint8Array(Math.min(bytes, PAGE_BYTES));
    const read = file.read(page, 0, page.length, bytes - page.length);
    return { segment, bytes, crc: crc32c(page, 0, read), checkpoint, lastRef };
  } finally {
    file.close();
  }
}

/** Whether the log still is what the stamp saw, up to there. */
export function isStampOf(fs: FileSystem, walDirectory: string, stamp: ChunkSnapshotStamp): boolean {
  const now = stampOf(fs, walDirectory, stamp.segment, stamp.lastRef);
  return (
    now.segment === stamp.segment &&
    now.bytes === stamp.bytes &&
    now.crc === stamp.crc &&
    now.checkpoint === stamp.checkpoint
  );
}

export function encodeStamp(into: ByteWriter, { segment, bytes, crc, checkpoint, lastRef }: ChunkSnapshotStamp): void {
  into.uint8(STAMP_RECORD);
  into.uint8(STAMP_VERSION);
  into.int64Number(segment);
  into.int64Number(bytes);
  into.uint32(crc);
  into.int64Number(checkpoint);
  into.int64Number(lastRef);
}

/** Throws for bytes that are no stamp. */
export function decodeStamp(bytes: Uint8Array, start: number, end: number): ChunkSnapshotStamp {
  const reader = new RecordReader(bytes, start, end);
  if (reader.uint8() !== STAMP_RECORD || reader.uint8() !== STAMP_VERSION) {
    throw new ChunkSnapshotError("the stamp of the snapshot is of another kind");
  }
  const segment = reader.int64Number();
  const size = reader.int64Number();
  const crc = reader.uint32();
  const checkpoint = reader.int64Number();
  return { segment, bytes: size, crc, checkpoint, lastRef: reader.int64Number() };
}
