// A worker's whole life: one long job of a database (see head-compaction.ts). It ends with an error when the job fails.
import { workerData } from "node:worker_threads";
import { HeadChunkReader } from "./chunk/head-chunks.ts";
import { joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { ChunkFileSource } from "./head/chunk-files.ts";
import { HeadView } from "./head/head-view.ts";
import { type HeadJob, runHeadJob } from "./head-compaction.ts";
import { HeadMemory } from "./memory/layout.ts";
import { type DbShare, HEAD_CHUNKS_DIRECTORY } from "./share.ts";

const { share, job } = workerData as { share: DbShare; job: HeadJob };
const fs = new NodeFs();
const chunks = new HeadChunkReader(fs, joinPath(share.directory, HEAD_CHUNKS_DIRECTORY));
try {
  const view = new HeadView(new HeadMemory(share.memory, share.layout), new ChunkFileSource(chunks));
  runHeadJob(fs, share.directory, view, job);
} finally {
  chunks.close();
}
