export { type Attributes, quote } from "./log/format.ts";
export { goDuration } from "./log/go-duration.ts";
export {
  createLogger,
  LOG_FORMATS,
  LOG_LEVELS,
  type LogFormat,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from "./log/logger.ts";
export { ConfigUrl, EMPTY_SECRET, SECRET_MASK, Secret } from "./secret/secret.ts";
