// Numbers of the remote protocols' messages. Source: prompb/remote.proto, types.proto and io/prometheus/write/v2 of the
// reference.

/** What a remote write request says it is. */
export const RemoteWriteMessage = {
  v1: "prometheus.WriteRequest",
  v2: "io.prometheus.write.v2.Request",
} as const;
export type RemoteWriteMessage = (typeof RemoteWriteMessage)[keyof typeof RemoteWriteMessage];

/** Uncompressed requests larger than this are refused before anything is allocated. */
export const MAX_MESSAGE_BYTES: number = 32 * 1024 * 1024;

export const WriteRequestField = { timeseries: 1, metadata: 3 } as const;
export const TimeSeriesField = { labels: 1, samples: 2, exemplars: 3, histograms: 4 } as const;
export const LabelField = { name: 1, value: 2 } as const;
export const SampleField = { value: 1, timestamp: 2, startTimestamp: 3 } as const;
export const ExemplarField = { labels: 1, value: 2, timestamp: 3 } as const;
export const MetadataField = { type: 1, family: 2, help: 4, unit: 5 } as const;

/** Fields of a native histogram, the same in both versions of the protocol. */
export const HistogramField = {
  countInt: 1,
  countFloat: 2,
  sum: 3,
  schema: 4,
  zeroThreshold: 5,
  zeroCountInt: 6,
  zeroCountFloat: 7,
  negativeSpans: 8,
  negativeDeltas: 9,
  negativeCounts: 10,
  positiveSpans: 11,
  positiveDeltas: 12,
  positiveCounts: 13,
  resetHint: 14,
  timestamp: 15,
  customValues: 16,
  /** Version 2 only. */
  startTimestamp: 17,
} as const;
export const SpanField = { offset: 1, length: 2 } as const;

export const RequestV2Field = { symbols: 4, timeseries: 5 } as const;
export const TimeSeriesV2Field = {
  labelsRefs: 1,
  samples: 2,
  histograms: 3,
  exemplars: 4,
  metadata: 5,
  /** Of earlier drafts: when the series' counters began. */
  createdTimestamp: 6,
} as const;
export const MetadataV2Field = { type: 1, helpRef: 3, unitRef: 4 } as const;

export const ReadRequestField = { queries: 1, acceptedResponseTypes: 2 } as const;
export const QueryField = { start: 1, end: 2, matchers: 3, hints: 4 } as const;
export const MatcherField = { type: 1, name: 2, value: 3 } as const;
export const HintsField = { step: 1, func: 2, start: 3, end: 4, grouping: 5, by: 6, range: 7 } as const;
export const ReadResponseField = { results: 1 } as const;
export const QueryResultField = { timeseries: 1 } as const;
export const ChunkedReadResponseField = { chunkedSeries: 1, queryIndex: 2 } as const;
export const ChunkedSeriesField = { labels: 1, chunks: 2 } as const;
export const ChunkField = { minTime: 1, maxTime: 2, type: 3, data: 4 } as const;
