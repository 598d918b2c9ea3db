// What the storage engine tells: any logger with these four fits.

/** Facts beside a message; errors are printed by their message. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

const nothing = (): void => {};

/** Takes all and tells nobody. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
