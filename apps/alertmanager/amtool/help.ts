// What `--help` prints: how a command is called, what it does, its flags, and the commands below it.
import type { Command, CommandFlag } from "./command-line.ts";

const WIDTH = 100;
/** Flags that are longer have their help on the next line. */
const MAX_HEAD = 30;

/** `path` leads from the root to the command that is asked about. */
export function helpText(path: readonly Command[]): string {
  const command = path.at(-1) as Command;
  const name = path.map((each) => each.name).join(" ");
  const lines = [`usage: ${[name, ...usageOf(command)].join(" ")}`, "", command.help, "", "Flags:"];
  const flags = path.flatMap((each) => each.flags).filter((flag) => flag.hidden !== true);
  for (const flag of flags) lines.push(...flagLines(flag));
  const { argument, commands } = command;
  if (argument !== undefined) lines.push("", "Args:", `  [<${argument.name}>]  ${argument.help}`);
  if (commands !== undefined) lines.push("", "Commands:", ...commandLines(commands, path.slice(1)));
  return `${lines.join("\n")}\n`;
}

function usageOf({ flags, argument, commands }: Command): string[] {
  return [
    ...(flags.length > 0 ? ["[<flags>]"] : []),
    ...(commands === undefined ? [] : ["<command>", "[<args> ...]"]),
    ...(argument === undefined ? [] : [`[<${argument.name}>]${argument.repeatable === true ? "..." : ""}`]),
  ];
}

function flagLines(flag: CommandFlag): string[] {
  const short = flag.short === undefined ? "    " : `-${flag.short}, `;
  const more = flag.repeatable === true ? " ..." : "";
  const value =
    flag.type.isBoolean === true
      ? `--[no-]${flag.name}`
      : `--${flag.name}=${flag.placeholder ?? flag.default ?? flag.name.toUpperCase()}${more}`;
  const head = `  ${short}${value}`;
  const indent = " ".repeat(MAX_HEAD + 2);
  const help = wrapped(flag.help, WIDTH - indent.length).map((line) => indent + line);
  if (head.length > MAX_HEAD) return [head, ...help];
  return [head + (help[0] ?? "").slice(head.length), ...help.slice(1)];
}

/** Every command with the first line of its help; a star marks those that may be left out. */
function commandLines(commands: readonly Command[], above: readonly Command[]): string[] {
  return commands.flatMap((command) => {
    const path = [...above, command];
    if (command.commands !== undefined) return commandLines(command.commands, path);
    const name = path.map((each) => each.name).join(" ") + (command.isDefault === true ? "*" : "");
    return [
      `  ${[name, ...usageOf(command)].join(" ")}`,
      ...wrapped(command.help, WIDTH - 6).map((line) => `      ${line}`),
    ];
  });
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = "";
    }
    line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line];
}
