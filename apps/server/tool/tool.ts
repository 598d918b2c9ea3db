// `narthex tool`: checks, tests and queries from the command line, with the reference's words and exit codes.
import { readFileSync } from "node:fs";
import { UsageError } from "./arguments.ts";
import { backtest } from "./backtest.ts";
import { checkConfig, checkRules } from "./check.ts";
import { queryInstant, queryRange } from "./query.ts";
import { testRules } from "./test-rules.ts";
import { testScripts } from "./test-scripts.ts";

/** Where a tool reads and prints; tests put in their own. */
export interface ToolEnvironment {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly stdin: () => string;
  readonly now: () => number;
}

/** Runs with the arguments behind its name; resolves to the exit code. Throws `UsageError`. */
type Tool = (argv: readonly string[], environment: ToolEnvironment) => number | Promise<number>;

interface ToolEntry {
  readonly words: readonly string[];
  readonly usage: string;
  readonly help: string;
  readonly run: Tool;
}

const TOOLS: readonly ToolEntry[] = [
  {
    words: ["check", "config"],
    usage: "check config [--syntax-only] [--lint=duplicate-rules|all|none] [--lint-fatal] FILE...",
    help: "is a configuration, with the rule files it names, valid?",
    run: checkConfig,
  },
  {
    words: ["check", "rules"],
    usage: "check rules [--lint=duplicate-rules|all|none] [--lint-fatal] [FILE...]",
    help: "are rule files (or standard input) valid?",
    run: checkRules,
  },
  {
    words: ["test", "rules"],
    usage: "test rules [--run=REGEX]... [--debug] [--diff] [--junit=FILE] [--ignore-unknown-fields] FILE...",
    help: "run unit tests of rules",
    run: testRules,
  },
  {
    words: ["test", "promql"],
    usage: "test promql FILE...",
    help: "run PromQL test scripts against the engine",
    run: testScripts,
  },
  {
    words: ["backtest"],
    usage: "backtest --start=TIME [--end=TIME] [--step=DURATION] [--alert=NAME] [-o text|json] SERVER RULE_FILE...",
    help: "when alerting rules would have fired over a server's past data",
    run: backtest,
  },
  {
    words: ["query", "instant"],
    usage: "query instant [-o promql|json] [--time=TIME] [--header=NAME=VALUE]... SERVER EXPR",
    help: "ask a server at one time",
    run: queryInstant,
  },
  {
    words: ["query", "range"],
    usage: "query range [-o promql|json] [--start=TIME] [--end=TIME] [--step=DURATION] SERVER EXPR",
    help: "ask a server over a range of time",
    run: queryRange,
  },
];

/** Runs a command line behind `narthex tool`; resolves to the exit code. */
export async function runTool(
  argv: readonly string[],
  environment: ToolEnvironment = processEnvironment(),
): Promise<number> {
  const { globals, rest: given } = takeGlobals(argv);
  const rest = flagsBehind(given);
  if (globals.help || rest.length === 0) {
    (globals.help ? environment.out : environment.err)(helpText());
    return globals.help ? 0 : 1;
  }
  const tool = TOOLS.find(({ words }) => words.every((word, i) => rest[i] === word));
  if (tool === undefined) {
    const wrong = TOOLS.some(({ words }) => words[0] === rest[0]) ? rest[1] : rest[0];
    if (wrong === undefined) return refuse(environment, "must select a subcommand");
    return refuse(environment, `expected command but got ${JSON.stringify(wrong)}`);
  }
  try {
    return await tool.run([...globals.features, ...rest.slice(tool.words.length)], environment);
  } catch (error) {
    if (error instanceof UsageError) return refuse(environment, error.message);
    throw error;
  }
}

function refuse({ err }: ToolEnvironment, message: string): number {
  err(`narthex tool: error: ${message}, try --help\n`);
  return 1;
}

/** What may stand in front of the command. */
function takeGlobals(argv: readonly string[]): { globals: { help: boolean; features: string[] }; rest: string[] } {
  const features: string[] = [];
  let help = false;
  let i = 0;
  for (; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === "--help" || word === "-h") help = true;
    else if (word.startsWith("--enable-feature=")) features.push(word);
    else if (word !== "--experimental") break;
  }
  return { globals: { help, features }, rest: argv.slice(i) };
}

/** `test --junit=FILE rules …` as `test rules --junit=FILE …`: a flag may stand between a command's words. */
function flagsBehind([first, ...rest]: readonly string[]): readonly string[] {
  if (first === undefined) return [];
  const flags: string[] = [];
  while (rest[0]?.startsWith("--") === true && rest[0].includes("=")) flags.push(rest.shift() as string);
  const [second, ...others] = rest;
  return second === undefined ? [first, ...flags] : [first, second, ...flags, ...others];
}

function helpText(): string {
  const lines = TOOLS.map(({ usage, help }) => `  ${usage}\n        ${help}\n`);
  return `usage: narthex tool COMMAND\n\n${lines.join("")}`;
}

function processEnvironment(): ToolEnvironment {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: () => readFileSync(0, "utf8"),
    now: Date.now,
  };
}
