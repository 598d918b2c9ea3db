// The text of `--help`, laid out as the reference lays it out: flags to the left, help to the right, 80 columns.
import { quote } from "../log/format.ts";
import type { Flag } from "./flag.ts";
import type { FlagProgram } from "./parse.ts";

const WIDTH = 80;
const INDENT = 2;
const GAP = 2;

/** The whole help, newline included. `builtIn` are the flags that every program has. */
export function helpText(program: FlagProgram, builtIn: readonly Flag[]): string {
  const rows = [...builtIn, ...program.flags].filter((flag) => flag.hidden !== true).map((flag) => row(flag));
  const lines = [`usage: ${program.name} [<flags>]`, "", program.description, "", "", "Flags:"];
  const fitting = rows.map(([left]) => left.length).filter((length) => length < 30);
  const left = Math.max(0, ...fitting);
  const column = INDENT + left + GAP;
  for (const [head, help] of rows) {
    const wrapped = wrapText(help, WIDTH - column);
    const start = " ".repeat(INDENT) + head.padEnd(left) + " ".repeat(GAP);
    if (head.length > left) lines.push(start, ...wrapped.map((line) => " ".repeat(column) + line));
    else lines.push(start + (wrapped[0] ?? ""), ...wrapped.slice(1).map((line) => " ".repeat(column) + line));
  }
  return `${lines.join("\n")}\n\n\n`;
}

function row(flag: Flag): readonly [head: string, help: string] {
  const short = flag.name === "help" ? "-h, " : "    ";
  if (flag.type.isBoolean === true) return [`${short}--[no-]${flag.name}`, flag.help];
  const more = flag.repeatable === true ? " ..." : "";
  return [`${short}--${flag.name}=${placeholder(flag)}${more}`, flag.help];
}

function placeholder(flag: Flag): string {
  if (flag.placeholder !== undefined) return flag.placeholder;
  const texts = typeof flag.default === "string" ? [flag.default] : (flag.default ?? []);
  const [first] = texts;
  if (first === undefined) return flag.name.toUpperCase();
  const shown = flag.type.isText === true && flag.repeatable !== true ? quote(first) : first;
  return shown + (texts.length > 1 ? "..." : "");
}

/**
 * Breaks a paragraph so that the squares of the blanks at the line ends add up to the least, breaks after punctuation
 * being cheaper: the rule of Go's documentation printer, which the reference's help goes through.
 */
export function wrapText(text: string, width: number): string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const ends = [0];
  for (const word of words) ends.push((ends.at(-1) as number) + word.length + 1);
  const cost: { over: number; cost: number; from: number }[] = [{ over: 0, cost: 0, from: 0 }];
  for (let end = 1; end <= words.length; end++) {
    let best = { over: Number.POSITIVE_INFINITY, cost: Number.POSITIVE_INFINITY, from: 0 };
    for (let from = end - 1; from >= 0; from--) {
      const length = (ends[end] as number) - 1 - (ends[from] as number);
      const before = cost[from] as { over: number; cost: number };
      const slack = (width - length) ** 2;
      const isLast = end === words.length && length <= width;
      const penalty = isLast ? 0 : /[.,:;]$/.test(words[end - 1] as string) ? 0 : 64;
      const over = before.over + (length > width ? slack : 0);
      const total = before.cost + penalty + (length > width || isLast ? 0 : slack);
      if (over < best.over || (over === best.over && total <= best.cost)) best = { over, cost: total, from };
      if (length > width && from < end - 1) break;
    }
    cost.push(best);
  }
  const lines: string[] = [];
  for (let end = words.length; end > 0; ) {
    const { from } = cost[end] as { from: number };
    lines.unshift(words.slice(from, end).join(" "));
    end = from;
  }
  return lines;
}
