// How the compiled kernels are spoken to: the words of their context, and what they export.

/** Words of the context that kernels read and write; the same list stands in assembly/context.ts, in bytes. */
export const Context = {
  series: 0,
  cold: 1,
  slots: 2,
  slotPool: 3,
  finished: 4,
  cellPool: 5,
  pages: 6,
  pageCount: 7,
  arena: 8,
  records: 9,
  times: 10,
  values: 11,
  cuts: 12,
  cutRoom: 13,
  cutCount: 14,
  applied: 15,
  created: 16,
  decodedTo: 17,
  soundness: 18,
  lowestRef: 19,
  /** 64-bit floats. */
  minTime: 20,
  maxTime: 22,
  highestRef: 24,
  stoppedRow: 25,
  names: 26,
  pairs: 27,
  pairPool: 28,
  seriesPool: 29,
  seriesTable: 30,
  arenaState: 31,
  arenaLimit: 32,
  control: 33,
  ids: 34,
  knownIds: 35,
  labels: 36,
  hash: 37,
  words: 38,
} as const;

/** What they export: see assembly for each. Addresses are bytes from the start of the memory. */
export interface KernelExports {
  crc32c(tables: number, at: number, length: number, crc: number): number;
  compress(source: number, length: number, target: number, table: number): number;
  uncompress(source: number, length: number, target: number, capacity: number): number;
  decodeSamples(context: number, at: number, end: number, baseRef: number, baseTime: number, limit: number): number;
  appendSamples(
    context: number,
    from: number,
    to: number,
    epoch: number,
    minValidTime: number,
    chunkRange: number,
  ): number;
  makeSeries(context: number, at: number, end: number, limit: number, epoch: number): number;
  encodeSeries(context: number, count: number, at: number, end: number): number;
  seriesOfLabels(context: number, count: number, bytes: number): number;
  makeSeriesOfLabels(context: number, count: number, epoch: number): number;
  buildPostings(
    context: number,
    highestRecord: number,
    total: number,
    highestPair: number,
    work: number,
    words: number,
  ): number;
  placeSeries(context: number, highestRecord: number): void;
  decodeFirstRow(
    context: number,
    at: number,
    end: number,
    baseRef: number,
    baseTime: number,
    values: number,
    times: number,
    refs: number,
  ): number;
  decodeNextRow(
    at: number,
    end: number,
    baseRef: number,
    baseTime: number,
    values: number,
    times: number,
    refs: number,
    count: number,
  ): number;
  appendRows(
    context: number,
    refs: number,
    from: number,
    to: number,
    rows: number,
    count: number,
    epoch: number,
    minValidTime: number,
    chunkRange: number,
  ): number;
}

interface WebAssemblyFunctions {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

// Node's type declarations do not know WebAssembly; the engine does.
export const WebAssembly: WebAssemblyFunctions = (globalThis as unknown as { WebAssembly: WebAssemblyFunctions })
  .WebAssembly;
