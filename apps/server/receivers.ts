// What takes samples in that are sent to the server.
import type { Registry } from "@narthex/client";
import type { Appendable } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import type { Config } from "./config/index.ts";
import { OtlpReceiver } from "./otlp/otlp-receiver.ts";
import { WriteReceiver } from "./remote/receive/write-receiver.ts";
import type { ServerSettings } from "./settings.ts";

/** One for each protocol. */
export interface Receivers {
  /** Remote write. */
  readonly write: WriteReceiver;
  readonly otlp: OtlpReceiver;
}

/** What they are made with. */
export interface ReceiverOptions {
  readonly settings: ServerSettings;
  readonly registry: Registry;
  readonly logger: Logger;
  /** The storage, once it is open: nothing is asked of a receiver before. */
  readonly appendable: () => Appendable;
  readonly config: () => Config;
}

/** Receivers that the flags have not switched on refuse what they are sent. */
export function makeReceivers({ settings, registry, logger, appendable, config }: ReceiverOptions): Receivers {
  const { features } = settings;
  const keepsMetadata = features.has("metadata-wal-records");
  return {
    write: new WriteReceiver({
      enabled: settings.enableRemoteWriteReceiver,
      acceptedMessages: settings.remoteWriteMessages,
      appendable,
      registry,
      logger: logger.with({ component: "remote" }),
      keepsMetadata,
      now: Date.now,
    }),
    otlp: new OtlpReceiver({
      enabled: settings.enableOtlpReceiver,
      appendable,
      config: () => config().otlp,
      registry,
      logger: logger.with({ component: "web" }),
      keepsMetadata,
      typeAndUnitLabels: features.has("type-and-unit-labels"),
      takesDeltas: features.has("otlp-native-delta-ingestion"),
      sumsDeltas: features.has("otlp-deltatocumulative"),
      lookbackDeltaMs: settings.lookbackDeltaMs,
      now: Date.now,
    }),
  };
}
