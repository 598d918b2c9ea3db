export { type AgentCounters, AgentDb, type AgentDbOptions } from "./agent/agent-db.ts";
export { Block, BlockError } from "./block/block.ts";
export { BlockWriter, removeBlock, removeLeftovers } from "./block/block-writer.ts";
export { compactionRanges, planCompaction, planDeletion, type RetentionLimits } from "./block/compaction-plan.ts";
export { BlockSource, type CompactionSource } from "./block/compaction-source.ts";
export { compactBlocks, firstLevel, linkBlock, writeBlock } from "./block/compactor.ts";
export { type BlockMeta, BlockMetaError, readBlockMeta, writeBlockMeta } from "./block/meta.ts";
export { type BlockSeries, type SeriesBlockOptions, writeSeriesBlock } from "./block/series-block.ts";
export { ChunkList } from "./chunk/chunk-list.ts";
export { decodeChunk } from "./chunk/decode.ts";
export { type FloatEncoding, IncompatibleEncodingError } from "./chunk/float-encoding.ts";
export { ChunkEncoding, ChunkError, chunkSampleCount } from "./chunk/format.ts";
export { type HeadChunk, HeadChunkReader, HeadChunkWriter, scanHeadChunks } from "./chunk/head-chunks.ts";
export { decodeHistogramChunk } from "./chunk/histogram.ts";
export { encodeHistogramChunk, type HistogramSample } from "./chunk/histogram-encoder.ts";
export { encodeChunks } from "./chunk/sample-encoder.ts";
export { decodeXor, encodeXor } from "./chunk/xor.ts";
export { decodeXor2, encodeXor2 } from "./chunk/xor2.ts";
export { Db } from "./db.ts";
export type { DbOptions, DbStats, ReplayProgress } from "./db-options.ts";
export { type Faults, FaultyFs } from "./fs/faulty-fs.ts";
export { type EntryKind, type FileSystem, FileSystemError, type OpenFile, type OpenMode } from "./fs/file-system.ts";
export { MemoryFs } from "./fs/memory-fs.ts";
export { NodeFs } from "./fs/node-fs.ts";
export type { Cardinality, NamedCount } from "./head/cardinality.ts";
export { MAX_EXEMPLAR_CHARACTERS, type SeriesExemplars } from "./head/exemplars.ts";
export type { SeriesGate } from "./head/series-gate.ts";
export { SnapshotExpiredError } from "./head/snapshots.ts";
export { IndexReader } from "./index/index-reader.ts";
export { estimatePostings, matchPostings, type PostingsSource } from "./index/matching.ts";
export { type LogFields, type Logger, silentLogger } from "./logger.ts";
export { ByteArena } from "./memory/byte-arena.ts";
export { HeadMemoryError } from "./memory/layout.ts";
export { HeadFullError } from "./memory/pool.ts";
export { RefMap } from "./memory/ref-map.ts";
export { mergeQueriers } from "./merge-querier.ts";
export { openReadOnly } from "./read-only-db.ts";
export { ReplayThread } from "./replay/replay-thread.ts";
export { clearReadCache, DbReader, type DbShare, limitReadCache, type ReadTicket } from "./share.ts";
export { dropDeleted, readTombstones, Tombstones, writeTombstones } from "./tombstone/tombstones.ts";
export {
  type CheckpointOptions,
  type CheckpointStats,
  checkpointRange,
  removeCheckpoints,
  writeCheckpoint,
} from "./wal/checkpoint.ts";
export {
  decodeExemplars,
  decodeMetadata,
  type ExemplarEntry,
  encodeExemplars,
  encodeMetadata,
  type MetadataEntry,
} from "./wal/entry-records.ts";
export { type Compression, lastCheckpoint, listSegments, WalCorruptionError } from "./wal/format.ts";
export {
  decodeHistograms,
  encodeHistograms,
  type HistogramEntry,
  isHistogramRecord,
} from "./wal/histogram-record.ts";
export { RecordError, RecordType } from "./wal/record.ts";
export { decodeSamples, encodeSamples, encodeSamplesV2, SampleRecord } from "./wal/sample-record.ts";
export { beginSeries, encodeSeries, SeriesRecordCursor } from "./wal/series-record.ts";
export { closeSegmentGaps, repairWal, WalReader, type WalReaderOptions } from "./wal/wal-reader.ts";
export { WalTail } from "./wal/wal-tail.ts";
export { type LogFeed, type LogPosition, WalWriter, type WalWriterOptions } from "./wal/wal-writer.ts";
