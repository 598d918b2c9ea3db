export { type Faults, FaultyFs } from "./fs/faulty-fs.ts";
export { type EntryKind, type FileSystem, FileSystemError, type OpenFile, type OpenMode } from "./fs/file-system.ts";
export { MemoryFs } from "./fs/memory-fs.ts";
export { NodeFs } from "./fs/node-fs.ts";
