// The log of every program: one line per event on stderr, `time level source msg` and then the attributes.
import { callSite } from "./call-site.ts";
import { type Attributes, jsonAttributes, logfmtAttributes, logfmtText } from "./format.ts";

/** From the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The shapes a line can have. */
export const LOG_FORMATS = ["logfmt", "json"] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

/** Writes lines at or above its level. A line below costs one comparison. */
export interface Logger {
  debug(message: string, attributes?: Attributes): void;
  info(message: string, attributes?: Attributes): void;
  warn(message: string, attributes?: Attributes): void;
  error(message: string, attributes?: Attributes): void;
  /** A logger that prints these attributes in front of its lines' own. They are formatted once, here. */
  with(attributes: Attributes): Logger;
  /** Ask before computing attributes that cost something. */
  isEnabled(level: LogLevel): boolean;
}

export interface LoggerOptions {
  readonly level?: LogLevel;
  readonly format?: LogFormat;
  /** Takes one line, newline included. Standard: stderr. */
  readonly write?: (line: string) => void;
  /** Standard: `Date.now`. */
  readonly now?: () => number;
  /** False leaves `source=` out. Standard: true. */
  readonly source?: boolean;
}

/** Makes the root logger of a program. */
export function createLogger(options: LoggerOptions = {}): Logger {
  return new LineLogger({
    threshold: LOG_LEVELS.indexOf(options.level ?? "info"),
    json: options.format === "json",
    write: options.write ?? ((line) => process.stderr.write(line)),
    now: options.now ?? Date.now,
    source: options.source ?? true,
    prefix: "",
  });
}

/** Swallows everything; for tests and for parts that were given no logger. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLogger,
  isEnabled: () => false,
};

interface Settings {
  readonly threshold: number;
  readonly json: boolean;
  readonly write: (line: string) => void;
  readonly now: () => number;
  readonly source: boolean;
  /** Attributes of `with`, already formatted. */
  readonly prefix: string;
}

class LineLogger implements Logger {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  debug(message: string, attributes?: Attributes): void {
    if (this.#settings.threshold <= 0) this.#write("DEBUG", message, attributes, this.debug);
  }

  info(message: string, attributes?: Attributes): void {
    if (this.#settings.threshold <= 1) this.#write("INFO", message, attributes, this.info);
  }

  warn(message: string, attributes?: Attributes): void {
    if (this.#settings.threshold <= 2) this.#write("WARN", message, attributes, this.warn);
  }

  error(message: string, attributes?: Attributes): void {
    if (this.#settings.threshold <= 3) this.#write("ERROR", message, attributes, this.error);
  }

  with(attributes: Attributes): Logger {
    const { json, prefix } = this.#settings;
    const formatted = json ? jsonAttributes(attributes) : logfmtAttributes(attributes);
    return new LineLogger({ ...this.#settings, prefix: prefix + formatted });
  }

  isEnabled(level: LogLevel): boolean {
    return this.#settings.threshold <= LOG_LEVELS.indexOf(level);
  }

  // biome-ignore lint/complexity/noBannedTypes: the method below which the caller is sought
  #write(level: string, message: string, attributes: Attributes | undefined, method: Function): void {
    const { json, prefix, now, write, source } = this.#settings;
    const time = new Date(now()).toISOString();
    const place = source ? callSite(method) : "";
    if (json) {
      const own = attributes === undefined ? "" : jsonAttributes(attributes);
      const where = source ? `,"source":${JSON.stringify(place)}` : "";
      write(
        `{"time":${JSON.stringify(trimZeros(time))},"level":"${level}"${where},"msg":${JSON.stringify(message)}${prefix}${own}}\n`,
      );
    } else {
      const own = attributes === undefined ? "" : logfmtAttributes(attributes);
      const where = source ? ` source=${logfmtText(place)}` : "";
      write(`time=${time} level=${level}${where} msg=${logfmtText(message)}${prefix}${own}\n`);
    }
  }
}

/** JSON carries RFC 3339 with as many decimals as there are. */
function trimZeros(time: string): string {
  return time.replace(/\.?0*Z$/, "Z");
}
