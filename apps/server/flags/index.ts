export { ExternalUrlError, type WebAddress, webAddress } from "./external-url.ts";
export { FEATURES, type Feature } from "./features.ts";
export { MISSING_FEATURES, MISSING_FLAGS } from "./missing.ts";
export {
  type CommandContext,
  flagRetention,
  maxBlockDuration,
  parseServerFlags,
  type ServerCommand,
  type StartNote,
  statusFlags,
} from "./parse.ts";
export type { ServerFlags } from "./server-flags.ts";
export { type FlagMode, SERVER_FLAGS, type ServerFlag } from "./table.ts";
