// `time_intervals` and the older `mute_time_intervals`.
import {
  type Codec,
  decodeNode,
  Flow,
  parseYaml,
  type StructShape,
  struct,
  type YamlNode,
  YamlReader,
  yamlCodec,
} from "@narthex/toolkit";
import { isKnownLocation, type Range, type TimeInterval } from "../time-interval/interval.ts";
import { kept, keysOf } from "./keys.ts";

const { list, text } = yamlCodec;

/** A named list of intervals. */
export interface NamedIntervals {
  readonly name: string;
  readonly timeIntervals: readonly TimeInterval[];
}

const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
];
const TIME_OF_DAY = /^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/;
const NOTHING: Range = { begin: 0, end: 0 };

/** A text that stands for a range; `read` throws what is wrong with it. */
function rangeCodec(read: (text: string) => Range, show: (value: number) => string): Codec<Range> {
  return {
    type: "string",
    decode(node, reader) {
      const written = text.decode(node, reader);
      if (node.kind !== "scalar") return NOTHING;
      try {
        return read(written.toLowerCase());
      } catch (error) {
        reader.invalid(node.at, (error as Error).message);
        return NOTHING;
      }
    },
    zero: () => NOTHING,
    isZero: () => false,
    encode: ({ begin, end }) => (begin === end ? show(begin) : `${show(begin)}:${show(end)}`),
  };
}

function rangesCodec(range: Codec<Range>): Codec<readonly Range[]> {
  return { ...list(range), encode: (value) => new Flow(value.map((each) => range.encode(each) as string)) };
}

function splitRange(written: string, member: (text: string) => number): Range {
  const parts = written.split(":");
  if (parts.length > 2) throw new Error(`couldn't parse range ${written}, invalid format`);
  const [first = "", last = first] = parts;
  return { begin: member(first), end: member(last) };
}

function number(written: string): number {
  if (!/^[-+]?\d+$/.test(written)) throw new Error(`strconv.Atoi: parsing ${JSON.stringify(written)}: invalid syntax`);
  return Number(written);
}

const weekdays = rangeCodec(
  (written) => {
    const range = splitRange(written, (name) => {
      const day = WEEKDAYS.indexOf(name);
      if (day < 0) throw new Error(`${name} is not a valid weekday`);
      return day;
    });
    if (range.begin > range.end) throw new Error("start day cannot be before end day");
    return range;
  },
  (day) => WEEKDAYS[day] as string,
);

const daysOfMonth = rangeCodec((written) => {
  const range = splitRange(written, number);
  const { begin, end } = range;
  for (const day of [begin, end])
    if (day === 0 || day < -31 || day > 31) throw new Error(`${day} is not a valid day of the month: out of range`);
  if (begin < 0 && end > 0) throw new Error("end day must be negative if start day is negative");
  // A month has 28 days at least: what is the wrong way round then may never be right.
  if ((begin < 0 ? 28 + begin : begin) > (end < 0 ? 28 + end : end))
    throw new Error(`end day ${end} is always before start day ${begin}`);
  return range;
}, String);

const months = rangeCodec((written) => {
  const range = splitRange(written, (name) => {
    const month = MONTHS.indexOf(name);
    if (month >= 0) return month + 1;
    if (!/^[-+]?\d+$/.test(name)) throw new Error(`${name} is not a valid month`);
    return Number(name);
  });
  const name = (month: number): string => MONTHS[month - 1] ?? "";
  if (range.begin > range.end)
    throw new Error(`end month ${name(range.end)} is before start month ${name(range.begin)}`);
  return range;
}, String);

const years = rangeCodec((written) => {
  const range = splitRange(written, number);
  if (range.begin > range.end) throw new Error(`end year ${range.end} is before start year ${range.begin}`);
  return range;
}, String);

interface WrittenTimes {
  readonly startTime: string;
  readonly endTime: string;
}

const writtenTimes: Codec<WrittenTimes> & StructShape = struct<WrittenTimes>(
  "timeinterval.yamlTimeRange",
  keysOf<WrittenTimes>({ start_time: kept(text), end_time: kept(text) }),
);

const times: Codec<Range> = {
  type: writtenTimes.type,
  decode(node, reader) {
    const before = reader.problemCount;
    const written = writtenTimes.decode(node, reader);
    if (reader.problemCount > before) return NOTHING;
    try {
      return minutesOf(written);
    } catch (error) {
      reader.invalid(node.at, (error as Error).message);
      return NOTHING;
    }
  },
  zero: () => NOTHING,
  isZero: () => false,
  encode: ({ begin, end }) => writtenTimes.encode({ startTime: timeText(begin), endTime: timeText(end) }),
};

function minutesOf({ startTime, endTime }: WrittenTimes): Range {
  if (startTime === "" || endTime === "") throw new Error("both start and end times must be provided");
  const [begin, end] = [startTime, endTime].map((written) => {
    if (!TIME_OF_DAY.test(written)) throw new Error(`couldn't parse timestamp ${written}, invalid format`);
    return Number(written.slice(0, 2)) * 60 + Number(written.slice(3));
  }) as [number, number];
  if (begin >= end) throw new Error("start time cannot be equal or greater than end time");
  return { begin, end };
}

function timeText(minutes: number): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

const location: Codec<string> = {
  ...text,
  decode(node, reader) {
    const name = text.decode(node, reader);
    if (!isKnownLocation(name)) reader.invalid(node.at, `unknown time zone ${name}`);
    return name;
  },
};

const interval: Codec<TimeInterval> = struct<TimeInterval>(
  "timeinterval.TimeInterval",
  keysOf<TimeInterval>({
    times: list(times),
    weekdays: rangesCodec(weekdays),
    days_of_month: rangesCodec(daysOfMonth),
    months: rangesCodec(months),
    years: rangesCodec(years),
    location,
  }),
);

/** `kind` is what the reference calls the thing in its message. */
function namedIntervals(kind: string): Codec<NamedIntervals> {
  return struct<NamedIntervals>(
    "config.plain",
    keysOf<NamedIntervals>({ name: kept(text), time_intervals: kept(list(interval)) }),
    {
      check(value, reader: YamlReader) {
        if (value.name === "") reader.invalid(reader.place(value), `missing name in ${kind}`);
      },
    },
  );
}

export const timeInterval: Codec<NamedIntervals> = namedIntervals("time interval");
export const muteTimeInterval: Codec<NamedIntervals> = namedIntervals("mute time interval");

/** Reads the parts of an interval that come from elsewhere than a configuration. Throws an error in one sentence. */
export function readTimeIntervals(parts: readonly unknown[]): readonly TimeInterval[] {
  // JSON is YAML.
  const { root } = parseYaml(JSON.stringify({ name: "given", time_intervals: parts }));
  const reader = new YamlReader();
  const named = decodeNode(timeInterval, root as YamlNode, reader);
  const [problem] = reader.problems;
  if (problem !== undefined) throw new Error(problem.message);
  return named.timeIntervals;
}
