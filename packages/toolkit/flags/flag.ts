// A flag of a command line: its name, its type, what it says about itself.
import { quote } from "../log/format.ts";
import { goDuration } from "../log/go-duration.ts";
import { formatDuration, parseDuration } from "../units/duration.ts";
import { parseGoDuration } from "../units/go-duration.ts";
import { formatSize, parseSize } from "../units/size.ts";

/** How one type of flag is read and printed. */
export interface FlagType<T> {
  /** Throws an error whose message says what is wrong with the text. */
  parse(text: string): T;
  format(value: T): string;
  /** The value without any text: what a flag without a default has. */
  readonly zero: T;
  /** Takes no value: `--x`, `--no-x`. */
  readonly isBoolean?: boolean;
  /** The default is shown in quotes by the help. */
  readonly isText?: boolean;
}

/** What a flag may say besides its name, type and help. */
export interface FlagTraits {
  /** Texts as they would be written on the command line. */
  readonly default?: string | readonly string[];
  readonly placeholder?: string;
  /** Works, but the help does not show it. */
  readonly hidden?: boolean;
  /** May be given several times; values add up. */
  readonly repeatable?: boolean;
}

/** One flag. `property` names the value in the parsed result. */
export interface Flag extends FlagTraits {
  readonly name: string;
  readonly property: string;
  // biome-ignore lint/suspicious/noExplicitAny: flags of all types stand in one table
  readonly type: FlagType<any>;
  readonly help: string;
}

export const textFlag: FlagType<string> = { parse: (text) => text, format: (text) => text, zero: "", isText: true };

export const booleanFlag: FlagType<boolean> = {
  parse: (text) => text === "true",
  format: String,
  zero: false,
  isBoolean: true,
};

/** Whole numbers; `5e7` is one too, and fractions are cut off. */
export const integerFlag: FlagType<number> = {
  parse: (text) => Math.trunc(parseNumber(text)),
  format: String,
  zero: 0,
};

export const numberFlag: FlagType<number> = { parse: parseNumber, format: String, zero: 0 };

/** Milliseconds, written `1h30m`. */
export const durationFlag: FlagType<number> = { parse: parseDuration, format: formatDuration, zero: 0 };

/** Milliseconds, written as Go does: `2ms`, `1.5s`. */
export const goDurationFlag: FlagType<number> = { parse: parseGoDuration, format: goDuration, zero: 0 };

/** Bytes, written `512MB`. */
export const sizeFlag: FlagType<number> = { parse: parseSize, format: formatSize, zero: 0 };

/** One of a few words. */
export function choiceFlag<T extends string>(choices: readonly T[]): FlagType<T> {
  return checkedFlag(choices, (text) => `enum value must be one of ${choices.join(",")}, got '${text}'`);
}

/** One of a few words, refused in words of one's own. */
export function checkedFlag<T extends string>(choices: readonly T[], refusal: (text: string) => string): FlagType<T> {
  return {
    parse(text) {
      if (!(choices as readonly string[]).includes(text)) throw new Error(refusal(text));
      return text as T;
    },
    format: (value) => value,
    zero: "" as T,
  };
}

function parseNumber(text: string): number {
  const value = /^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$|^[-+]?(?:inf|infinity|nan)$/i.test(text)
    ? Number(text.replace(/^([-+]?)inf(?:inity)?$/i, "$1Infinity").replace(/^[-+]?nan$/i, "NaN"))
    : undefined;
  if (value === undefined) throw new Error(`strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`);
  return value;
}
