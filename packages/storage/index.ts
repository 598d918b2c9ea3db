export {
  Append,
  type Appendable,
  type Appender,
  type AppendOptions,
  InvalidLabelsError,
  type SeriesRef,
} from "./appender.ts";
export { LabelBytes } from "./label-bytes.ts";
export { MemoryStorage, type MemoryStorageOptions } from "./memory-storage.ts";
export type { Names, Querier, Queryable, SelectHints, SeriesSet } from "./queryable.ts";
export { SampleBuffer } from "./sample-buffer.ts";
