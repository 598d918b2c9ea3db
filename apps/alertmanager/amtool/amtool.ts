// `narthex amtool`: the command line to an Alertmanager, with the reference's commands, flags, words and exit codes.
import { fstatSync, readFileSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { booleanFlag, choiceFlag, createLogger, goDurationFlag, versionText } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../build-info.ts";
import { FEATURE_NAMES, logFeatures, matcherMode, parseFeatures } from "../features.ts";
import { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { type CommandFlag, commandValues, missingFlags, readCommandLine } from "./command-line.ts";
import { booleanSwitch, option, type RunnableCommand, textOption } from "./command-table.ts";
import { alertCommand } from "./commands/alert.ts";
import { checkConfigCommand } from "./commands/check-config.ts";
import { clusterCommand, configCommand } from "./commands/config.ts";
import { silenceCommand } from "./commands/silence.ts";
import { templateCommand } from "./commands/template.ts";
import { defaultsFiles, readDefaults } from "./defaults-file.ts";
import { address, existingFile } from "./flag-types.ts";
import { helpText } from "./help.ts";
import { DEFAULT_DATE_LAYOUT, OUTPUT_FORMS } from "./output/format.ts";
import type { ToolEnvironment } from "./tool-context.ts";
import { ToolError } from "./tool-error.ts";

const HELP: CommandFlag = {
  name: "help",
  short: "h",
  property: "help",
  type: booleanFlag,
  help: "Show this help, or that of a command",
};
const VERSION: CommandFlag = booleanSwitch("version", "Show the version");

const GLOBAL_FLAGS: readonly CommandFlag[] = [
  HELP,
  { ...HELP, name: "help-long", hidden: true } as CommandFlag,
  { ...HELP, name: "help-man", hidden: true } as CommandFlag,
  textOption("date.format", "Layout of dates, in Go's notation", { default: DEFAULT_DATE_LAYOUT }),
  booleanSwitch("verbose", "Log more", { short: "v" }),
  option("alertmanager.url", address, "The Alertmanager to talk to: http://localhost:9093"),
  option("output", choiceFlag(OUTPUT_FORMS), "Form of the output: simple, extended or json", {
    short: "o",
    default: "simple",
  }),
  option("timeout", goDurationFlag, "How long the command may take", { default: "30s" }),
  option("http.config.file", existingFile, "How to talk to it: a file with the keys of http_config", {
    placeholder: "<filename>",
  }),
  booleanSwitch("version-check", "Say so when the Alertmanager is of another version", { default: "true" }),
  textOption("enable-feature", `Features to switch on: ${FEATURE_NAMES.join(", ")}`, { default: "" }),
  VERSION,
];

const FAILED = 1;

function commandTree(user: string): RunnableCommand {
  return {
    name: "amtool",
    help: `Look at an Alertmanager and change what it holds.

Every flag has a default in a file, too: NAME: VALUE lines in $HOME/.config/amtool/config.yml or
/etc/amtool/config.yml ($HOME/.config/prometheus/amtool.yml and /etc/prometheus/amtool.yml are read as well).
What makes sense there: alertmanager.url, author, require-comment, output, date.format, http.config.file.`,
    flags: GLOBAL_FLAGS,
    commands: [alertCommand, silenceCommand(user), checkConfigCommand, clusterCommand, configCommand, templateCommand],
  };
}

/** Runs a command line; resolves to the exit code. */
export async function amtool(
  argv: readonly string[],
  environment: ToolEnvironment = processEnvironment(),
): Promise<number> {
  try {
    return await run(argv, environment);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    environment.err(`amtool: error: ${error.message}${error.ending}`);
    return FAILED;
  }
}

async function run(argv: readonly string[], environment: ToolEnvironment): Promise<number> {
  const root = commandTree(environment.user);
  const { out } = environment;
  const isHelp = argv[0] === "help";
  const { defaults, line } = orFail(() => ({
    defaults: readDefaults(environment.defaultsFiles),
    line: readCommandLine(root, isHelp ? ["--help", ...argv.slice(1)] : argv, HELP),
  }));
  const path = line.path as readonly RunnableCommand[];
  const isGiven = (property: string): boolean => line.written.some(({ of }) => of.property === property);
  const command = path.at(-1) as RunnableCommand;
  if (isGiven(VERSION.property)) {
    out(versionText("amtool", COMPATIBLE_VERSION));
    return 0;
  }
  if (isGiven(HELP.property) || command === root) {
    out(helpText(path));
    return 0;
  }
  if (
    path.some(({ needsUrl }) => needsUrl === true) &&
    !isGiven("alertmanagerUrl") &&
    !defaults.has("alertmanager.url")
  )
    throw new ToolError("required flag --alertmanager.url not provided", "\n");
  const values = orFail(() => commandValues(line, defaults));
  if (command.run === undefined)
    throw new ToolError(
      `must select a subcommand of '${path
        .slice(1)
        .map(({ name }) => name)
        .join(" ")}'`,
    );
  const missing = missingFlags(line).filter((name) => !defaults.has(name));
  if (missing.length > 0)
    throw new ToolError(`required flag(s) ${missing.map((name) => `'--${name}'`).join(", ")} not provided`);
  const grammar = makeGrammar(values["enableFeature"] as string, values["verbose"] === true, out);
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort("context deadline exceeded"),
    Math.min(values["timeout"] as number, MAX_TIMER_MS),
  );
  try {
    return await command.run({ ...environment, values, grammar, signal: timeout.signal });
  } finally {
    clearTimeout(timer);
  }
}

/** Longer ones would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** What it warns of goes to the standard output, as the reference's does. */
function makeGrammar(features: string, isVerbose: boolean, out: (text: string) => void): MatcherGrammar {
  const logger = createLogger({ level: isVerbose ? "debug" : "info", write: out });
  try {
    const enabled = parseFeatures(features);
    logFeatures(enabled, logger);
    return new MatcherGrammar(matcherMode(enabled), logger);
  } catch (error) {
    throw new ToolError(`error parsing the feature flag list: ${(error as Error).message}`, "\n\n", { cause: error });
  }
}

function orFail<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof ToolError) throw error;
    throw new ToolError((error as Error).message, "\n\n", { cause: error });
  }
}

function processEnvironment(): ToolEnvironment {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: () => readFileSync(0, "utf8"),
    hasNoInput: () => fstatSync(0).isCharacterDevice(),
    now: Date.now,
    defaultsFiles: defaultsFiles(process.env["HOME"] ?? homedir()),
    user: userName(),
  };
}

/** Not everybody who runs a program has a name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}
