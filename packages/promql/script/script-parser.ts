// Reads test scripts: line by line, a command and the block under it. The format stands in upstream's promqltest.
import { compileRegex, type Labels } from "@narthex/model";
import { parseDuration } from "../parser/duration.ts";
import { unquote } from "../parser/go-text.ts";
import { parseNumber } from "../parser/number.ts";
import { ALL_FEATURES } from "../parser/options.ts";
import { parseExpr } from "../parser/parser.ts";
import { MAX_SEQUENCE_LENGTH, parseSeriesDescription, type SeriesDescription } from "../parser/series-parser.ts";
import {
  type EvalCommand,
  type ExpectedResult,
  type ExpectedSeries,
  type LoadCommand,
  type LoadedSeries,
  type ScriptCommand,
  ScriptError,
  type TextTest,
} from "./script.ts";

const LOAD = /^load(?:_(with_nhcb))?\s+(.+)$/;
const EVAL_INSTANT = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/;
const EVAL_RANGE = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;
const EXPECT = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/;
const EXPECT_RANGE_VECTOR = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/;

const ANYTHING: TextTest = { matches: () => true, describe: "anything" };

/** Parses a whole script. Throws a `ScriptError`. */
export function parseScript(text: string): readonly ScriptCommand[] {
  return new ScriptReader(text).commands();
}

class ScriptReader {
  readonly #lines: readonly string[];
  /** Index of the line being read. */
  #at = 0;

  constructor(text: string) {
    this.#lines = text.split("\n").map((line) => {
      const trimmed = line.trim();
      return trimmed.startsWith("#") ? "" : trimmed;
    });
  }

  commands(): readonly ScriptCommand[] {
    const commands: ScriptCommand[] = [];
    for (; this.#at < this.#lines.length; this.#at++) {
      const text = this.#lines[this.#at] as string;
      if (text === "") continue;
      const word = (text.split(/[\t ]/, 1)[0] as string).toLowerCase();
      if (word === "clear") commands.push({ kind: "clear", line: this.#at + 1 });
      else if (word.startsWith("load")) commands.push(this.#load(text));
      else if (word.startsWith("eval")) commands.push(this.#eval(text));
      else this.#refuse(`invalid command ${JSON.stringify(text)}`);
    }
    return commands;
  }

  #refuse(message: string, cause?: unknown): never {
    throw new ScriptError(this.#at + 1, message, { cause });
  }

  /** Runs a reader of one line and puts the line in front of whatever it throws. */
  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ScriptError) throw error;
      return this.#refuse((error as Error).message, error);
    }
  }

  /** The lines of the block under the current one; moves on to each in turn. */
  *#block(): Generator<string> {
    while (this.#at + 1 < this.#lines.length && this.#lines[this.#at + 1] !== "") {
      this.#at++;
      yield this.#lines[this.#at] as string;
    }
  }

  #load(text: string): LoadCommand {
    const line = this.#at + 1;
    const match = LOAD.exec(text) ?? this.#refuse("invalid load command, expected load[_with_nhcb] STEP");
    const stepMs = this.#duration(match[2] as string);
    const series = new Map<string, LoadedSeries>();
    let pending: StartTimes | undefined;
    for (const definition of this.#block()) {
      const starts = this.#reading(() => parseStartTimes(definition));
      if (starts !== undefined) {
        if (pending !== undefined) this.#refuse("an @st line must be followed by its series");
        pending = starts;
        continue;
      }
      const { labels, values } = this.#series(definition);
      if (pending !== undefined && !labels.equals(pending.labels)) {
        this.#refuse("the series differs from that of the @st line above");
      }
      if (pending !== undefined && pending.offsets.length !== values.length) {
        this.#refuse(`the @st line above has ${pending.offsets.length} values, this one ${values.length}`);
      }
      series.set(labels.key, { labels, values, startOffsets: pending?.offsets });
      pending = undefined;
    }
    if (pending !== undefined) this.#refuse("an @st line must be followed by its series");
    return { kind: "load", line, stepMs, series: [...series.values()], withCustomHistograms: match[1] !== undefined };
  }

  #series(definition: string): SeriesDescription {
    return this.#reading(() => parseSeriesDescription(definition));
  }

  #duration(text: string): number {
    return this.#reading(() => parseDuration(text));
  }

  #eval(command: string): EvalCommand {
    const line = this.#at + 1;
    const instant = EVAL_INSTANT.exec(command);
    const range = EVAL_RANGE.exec(command);
    if (instant === null && range === null) {
      const forms = "eval instant [at TIME] QUERY or eval range from TIME to TIME step STEP QUERY";
      this.#refuse(`invalid evaluation command, expected ${forms}`);
    }
    let mode: string | undefined;
    let text: string;
    let [startMs, endMs, stepMs] = [0, 0, 0];
    if (instant !== null) {
      mode = instant[1];
      text = instant[3] as string;
      startMs = endMs = this.#duration(instant[2] ?? "0");
    } else {
      const [, modifier, from, to, step, query] = range as unknown as [string, string, string, string, string, string];
      mode = modifier;
      text = query;
      ({ startMs, endMs, stepMs } = this.#grid(from, to, step));
    }
    const expr = this.#reading(() => parseExpr(text, ALL_FEATURES));
    const expected = this.#expected(instant !== null, mode);
    if (expected.rangeVector !== undefined) startMs = endMs = expected.rangeVector.endMs;
    return { kind: "eval", line, text, expr, startMs, endMs, stepMs, isRange: instant === null, expected };
  }

  #grid(from: string, to: string, step: string): { startMs: number; endMs: number; stepMs: number } {
    const startMs = this.#duration(from);
    const endMs = this.#duration(to);
    if (endMs < startMs) this.#refuse(`the end (${to}) is before the start (${from})`);
    return { startMs, endMs, stepMs: this.#duration(step) };
  }

  #expected(instant: boolean, mode: string | undefined): ExpectedResult {
    const warnings = new AnnotationTests(mode === "warn");
    const infos = new AnnotationTests(mode === "info");
    const series = new Map<string, ExpectedSeries>();
    let ordered = mode === "ordered";
    let fail = mode === "fail" ? ANYTHING : undefined;
    let expectFail = false;
    let string: string | undefined;
    let scalar: number | undefined;
    let rangeVector: ExpectedResult["rangeVector"];
    for (const text of this.#block()) {
      if (mode === "fail" && text.startsWith("expected_fail_message")) {
        fail = exactly(text.slice("expected_fail_message".length).trim());
        break;
      }
      if (mode === "fail" && text.startsWith("expected_fail_regexp")) {
        fail = this.#reading(() => matching(text.slice("expected_fail_regexp".length).trim()));
        break;
      }
      if (text.startsWith("expect range vector")) {
        const match = EXPECT_RANGE_VECTOR.exec(text) ?? this.#refuse("invalid range vector definition");
        rangeVector = this.#grid(match[1] as string, match[2] as string, match[3] as string);
        continue;
      }
      if (text.startsWith("expect string")) {
        string = unquote(text.slice("expect string".length).trim());
        if (string === undefined) this.#refuse("expect string needs a quoted string");
        continue;
      }
      if (text.startsWith("expect ") || text === "expect") {
        const match =
          EXPECT.exec(text) ?? this.#refuse("invalid expect line, it must be expect TYPE [msg|regex: TEXT]");
        const test = this.#textTest(match[2], match[3]);
        switch (match[1]) {
          case "ordered":
            ordered = true;
            break;
          case "fail":
            if (expectFail) this.#refuse("more than one expect fail line");
            expectFail = true;
            fail = test;
            break;
          case "warn":
            warnings.tests.push(test);
            break;
          case "info":
            infos.tests.push(test);
            break;
          case "no_warn":
            warnings.none = true;
            break;
          case "no_info":
            infos.none = true;
        }
        if (warnings.isContradictory) this.#refuse("warn and no_warn cannot be used together");
        if (infos.isContradictory) this.#refuse("info and no_info cannot be used together");
        continue;
      }
      const number = parseSignedNumber(text);
      if (number !== undefined) {
        scalar = number;
        break;
      }
      const { labels, values } = this.#series(text);
      if (values.length > 1 && instant && rangeVector === undefined) {
        this.#refuse("an instant query has one value per series, unless expect range vector says otherwise");
      }
      series.set(labels.key, { labels, values });
    }
    return { ordered, fail, warnings, infos, string, scalar, rangeVector, series: [...series.values()] };
  }

  #textTest(kind: string | undefined, text: string | undefined): TextTest {
    if (kind === undefined || text === undefined) return ANYTHING;
    return kind === "msg" ? exactly(text.trim()) : this.#reading(() => matching(text.trim()));
  }
}

class AnnotationTests {
  none = false;
  readonly tests: TextTest[];

  constructor(atLeastOne: boolean) {
    this.tests = atLeastOne ? [ANYTHING] : [];
  }

  get isContradictory(): boolean {
    return this.none && this.tests.length > 0;
  }
}

function exactly(expected: string): TextTest {
  return { matches: (text) => text === expected, describe: JSON.stringify(expected) };
}

function matching(pattern: string): TextTest {
  const regex = compileRegex(`.*(?:${pattern}).*`);
  return { matches: (text) => regex.matches(text), describe: `/${pattern}/` };
}

/** A lone number, in any notation; undefined for anything else. */
function parseSignedNumber(text: string): number | undefined {
  const negative = text.startsWith("-");
  const value = parseNumber(negative || text.startsWith("+") ? text.slice(1) : text);
  if (typeof value === "string") return undefined;
  return negative ? -value : value;
}

interface StartTimes {
  readonly labels: Labels;
  readonly offsets: readonly (number | undefined)[];
}

/** Reads `SERIES@st OFFSETS`; undefined for any other line. */
function parseStartTimes(line: string): StartTimes | undefined {
  const [first, ...items] = line.split(/\s+/) as [string, ...string[]];
  if (!first.endsWith("@st") || items.length === 0) return undefined;
  const { labels } = parseSeriesDescription(`${first.slice(0, -"@st".length)} _`);
  const offsets: (number | undefined)[] = [];
  for (const item of items) {
    for (const offset of parseStartTimeItem(item)) {
      if (offsets.length >= MAX_SEQUENCE_LENGTH) throw new Error(`more than ${MAX_SEQUENCE_LENGTH} start timestamps`);
      offsets.push(offset);
    }
  }
  return { labels, offsets };
}

const START_TIME_ITEM = /^([+-]?)(\d+[a-z]*?)(?:([+-])([+-]?)(\d+[a-z]*?))?(?:x(\d+))?$/;

function* parseStartTimeItem(item: string): Generator<number | undefined> {
  const blank = /^_(?:x(\d+))?$/.exec(item);
  if (blank !== null) {
    for (let i = 0; i < Number(blank[1] ?? 1); i++) yield undefined;
    return;
  }
  const match = START_TIME_ITEM.exec(item);
  if (match === null) throw new Error(`invalid start timestamp ${JSON.stringify(item)}`);
  const [, sign, base, operator, stepSign, step, count] = match;
  if (step !== undefined && count === undefined) {
    throw new Error(`start timestamp ${JSON.stringify(item)} needs a repetition`);
  }
  let offset = parseDuration(base as string) * (sign === "-" ? -1 : 1);
  const stepFactor = (operator === "-" ? -1 : 1) * (stepSign === "-" ? -1 : 1);
  const stepMs = step === undefined ? 0 : parseDuration(step) * stepFactor;
  for (let i = 0; i <= Number(count ?? 0); i++) {
    yield offset;
    offset += stepMs;
  }
}
