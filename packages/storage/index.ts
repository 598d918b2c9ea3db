export { Append, type Appendable, type Appender, type SeriesRef } from "./appender.ts";
export type { Names, Querier, Queryable, SelectHints, SeriesSet } from "./queryable.ts";
export { SampleBuffer } from "./sample-buffer.ts";
