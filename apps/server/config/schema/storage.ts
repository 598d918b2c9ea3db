// The keys of `storage`, `tracing` and `otlp`.
import {
  type Codec,
  field,
  formatSize,
  quote,
  struct,
  tlsClientConfig,
  type YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import type {
  ExemplarsConfig,
  OtlpConfig,
  OtlpTranslationStrategy,
  RetentionConfig,
  StorageConfig,
  TracingConfig,
  TsdbConfig,
} from "../types.ts";
import { tracingHeaders } from "./remote.ts";

const { bool, checkedText, duration, float, int, list, optional, size, text } = yamlCodec;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

const retention: Codec<RetentionConfig> = struct<RetentionConfig>(
  "config.plain",
  [
    field<RetentionConfig>("time", "timeMs", duration),
    field<RetentionConfig>("size", "sizeBytes", size),
    field<RetentionConfig>("percentage", "percentage", float),
  ],
  {
    check(config, reader) {
      if (config.sizeBytes < 0) {
        reader.invalid(
          reader.place(config, "size"),
          `'storage.tsdb.retention.size' must be greater than or equal to 0, got ${formatSize(config.sizeBytes)}`,
        );
      }
      if (!(config.percentage >= 0 && config.percentage <= 100)) {
        reader.invalid(
          reader.place(config, "percentage"),
          `'storage.tsdb.retention.percentage' must be in the range [0, 100], got ${config.percentage}`,
        );
      }
    },
  },
);

const chunkEncoding = struct<{ floats: TsdbConfig["floatChunkEncoding"] }>("config.ChunkEncodingConfig", [
  field<{ floats: string }>(
    "floats",
    "floats",
    checkedText("string", (name) =>
      ["", "xor", "xor2"].includes(name)
        ? undefined
        : `'storage.tsdb.chunk_encoding.floats' must be 'xor' or 'xor2', or the field must be omitted entirely, got ${quote(name)}`,
    ),
  ),
]);

/** `chunk_encoding` holds one key; the configuration keeps only that. */
const floatEncoding: Codec<TsdbConfig["floatChunkEncoding"]> = {
  type: chunkEncoding.type,
  decode: (node, reader) => chunkEncoding.decode(node, reader).floats,
  zero: () => "",
  isZero: (value) => value === "",
  encode: (value) => new Map([["floats", value]]),
};

/** `retention` is undefined until `completeStorage`. */
type TsdbDraft = Writable<Omit<TsdbConfig, "retention">> & { retention: RetentionConfig | undefined };

const tsdb: Codec<TsdbDraft> = struct<TsdbDraft>("config.plain", [
  // The reference shows the window twice, once as a number under this name; what it shows must load again.
  field<TsdbDraft>("outofordertimewindow", "outOfOrderTimeWindowMs", int, { keep: true }),
  field<TsdbDraft>("out_of_order_time_window", "outOfOrderTimeWindowMs", duration),
  field<TsdbDraft>("stale_series_compaction_threshold", "staleSeriesCompactionThreshold", float),
  field<TsdbDraft>("chunk_encoding", "floatChunkEncoding", floatEncoding),
  field<TsdbDraft>("retention", "retention", optional(retention)),
]);

const exemplars: Codec<ExemplarsConfig> = struct<ExemplarsConfig>("config.ExemplarsConfig", [
  field<ExemplarsConfig>("max_exemplars", "maxExemplars", int),
]);

export interface StorageDraft {
  tsdb: TsdbDraft | undefined;
  exemplars: ExemplarsConfig | undefined;
}

/** `storage`. Complete only after `completeStorage`. */
export const storageConfig: Codec<StorageDraft> = struct<StorageDraft>("config.StorageConfig", [
  field<StorageDraft>("tsdb", "tsdb", optional(tsdb)),
  field<StorageDraft>("exemplars", "exemplars", optional(exemplars)),
]);

/** Fills in what the file does not say. */
export function completeStorage(
  draft: StorageDraft,
  flags: { readonly timeMs: number; readonly sizeBytes: number },
  maxExemplars: number | undefined,
): asserts draft is StorageDraft & StorageConfig {
  draft.tsdb ??= tsdb.zero();
  draft.tsdb.retention ??= { ...flags, percentage: 0 };
  if (maxExemplars !== undefined) draft.exemplars ??= { maxExemplars };
}

const clientType: Codec<TracingConfig["clientType"]> = checkedText("config.plain", (type) =>
  type === "http" || type === "grpc"
    ? undefined
    : `expected tracing client type to be to be http or grpc, but got ${type}`,
);

/** `tracing`. */
export const tracingConfig: Codec<TracingConfig> = struct<TracingConfig>(
  "config.plain",
  [
    field<TracingConfig>("client_type", "clientType", clientType, { initial: () => "grpc" }),
    field<TracingConfig>("endpoint", "endpoint", text),
    field<TracingConfig>("sampling_fraction", "samplingFraction", float),
    field<TracingConfig>("insecure", "insecure", bool),
    field<TracingConfig>("tls_config", "tls", tlsClientConfig),
    field<TracingConfig>("headers", "headers", tracingHeaders),
    field<TracingConfig>("compression", "compression", text),
    field<TracingConfig>("timeout", "timeoutMs", duration),
  ],
  {
    check(config, reader) {
      if (config.endpoint === "") reader.invalid(reader.place(config, "endpoint"), "tracing endpoint must be set");
      else if (!["", "gzip"].includes(config.compression)) {
        reader.invalid(
          reader.place(config, "compression"),
          `invalid compression type ${config.compression} provided, valid options: gzip`,
        );
      }
    },
  },
);

type OtlpDraft = Writable<OtlpConfig>;

const STRATEGIES: readonly string[] = [
  "UnderscoreEscapingWithSuffixes",
  "UnderscoreEscapingWithoutSuffixes",
  "NoUTF8EscapingWithSuffixes",
  "NoTranslation",
  "",
];

const strategy: Codec<OtlpTranslationStrategy> = checkedText("string", (name) =>
  STRATEGIES.includes(name) ? undefined : `unsupported OTLP translation strategy ${quote(name)}`,
);

/** `otlp`. */
export const otlpConfig: Codec<OtlpDraft> = struct<OtlpDraft>(
  "config.plain",
  [
    field<OtlpDraft>("promote_all_resource_attributes", "promoteAllResourceAttributes", bool),
    field<OtlpDraft>("promote_resource_attributes", "promoteResourceAttributes", list(text)),
    field<OtlpDraft>("ignore_resource_attributes", "ignoreResourceAttributes", list(text)),
    field<OtlpDraft>("translation_strategy", "translationStrategy", strategy, {
      initial: () => "UnderscoreEscapingWithSuffixes",
    }),
    field<OtlpDraft>("keep_identifying_resource_attributes", "keepIdentifyingResourceAttributes", bool),
    field<OtlpDraft>("convert_histograms_to_nhcb", "convertHistogramsToNhcb", bool),
    field<OtlpDraft>("promote_scope_metadata", "promoteScopeMetadata", bool),
    field<OtlpDraft>("label_name_underscore_sanitization", "labelNameUnderscoreSanitization", bool, {
      initial: () => true,
    }),
    field<OtlpDraft>("label_name_preserve_multiple_underscores", "labelNamePreserveMultipleUnderscores", bool, {
      initial: () => true,
    }),
  ],
  { check: checkOtlp },
);

function checkOtlp(draft: OtlpDraft, reader: YamlReader): void {
  if (draft.promoteAllResourceAttributes) {
    if (draft.promoteResourceAttributes.length > 0) {
      reader.invalid(
        reader.place(draft, "promote_resource_attributes"),
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured simultaneously",
      );
    } else {
      draft.ignoreResourceAttributes = trimmed(
        draft,
        "ignore_resource_attributes",
        draft.ignoreResourceAttributes,
        "ignored",
        reader,
      );
    }
  } else if (draft.ignoreResourceAttributes.length > 0) {
    reader.invalid(
      reader.place(draft, "ignore_resource_attributes"),
      "'ignore_resource_attributes' cannot be configured unless 'promote_all_resource_attributes' is true",
    );
  } else {
    draft.promoteResourceAttributes = trimmed(
      draft,
      "promote_resource_attributes",
      draft.promoteResourceAttributes,
      "promoted",
      reader,
    );
  }
}

function trimmed(draft: OtlpDraft, key: string, names: readonly string[], how: string, reader: YamlReader): string[] {
  const seen = new Set<string>();
  const problems: string[] = [];
  for (const written of names) {
    const name = written.trim();
    if (name === "") problems.push(`empty ${how} OTel resource attribute`);
    else if (seen.has(name)) problems.push(`duplicated ${how} OTel resource attribute ${quote(name)}`);
    seen.add(name);
  }
  if (problems.length > 0) reader.invalid(reader.place(draft, key), `invalid '${key}': ${problems.join("\n")}`);
  return [...seen];
}
