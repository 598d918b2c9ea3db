import type { Config } from "../../config/config.ts";
import { loadConfig, loadConfigFile } from "../../config/load.ts";
import { templateFiles } from "../../template/template-files.ts";
import { TemplateSet } from "../../template/template-set.ts";
import type { RunnableCommand } from "../command-table.ts";
import { existingFile } from "../flag-types.ts";
import { type ToolContext, textsOf } from "../tool-context.ts";
import { ToolError } from "../tool-error.ts";

const STDIN = "/dev/stdin";

export const checkConfigCommand: RunnableCommand = {
  name: "check-config",
  help: "Check configurations and the templates they name. Templates that do not exist are no error.",
  flags: [],
  argument: {
    name: "check-files",
    property: "files",
    type: existingFile,
    repeatable: true,
    help: "The files; the standard input unless given",
  },
  run: checkConfigs,
};

function checkConfigs(context: ToolContext): number {
  const given = textsOf(context.values, "files");
  if (given.length === 0 && context.hasNoInput()) throw new ToolError("Failed to read from standard input", "\n");
  const files = given.length === 0 ? [STDIN] : given;
  const failures = files.reduce((sum, file) => sum + checkFile(file, context), 0);
  if (failures > 0) throw new ToolError(`failed to validate ${failures} file(s)`);
  return 0;
}

/** How many things are wrong: the file, or else its templates. */
function checkFile(file: string, { out, stdin, grammar }: ToolContext): number {
  out(`Checking '${file}'`);
  let config: Config;
  try {
    // Opening the standard input by its path fails where it is a socket.
    config = file === STDIN ? loadConfig(stdin(), file, grammar) : loadConfigFile(file, grammar);
  } catch (error) {
    out(`  FAILED: ${(error as Error).message}\n\n`);
    return 1;
  }
  const { inhibitRules, receivers, templates } = config;
  const found = [
    "global config",
    "route",
    `${inhibitRules.length} inhibit rules`,
    `${receivers.length} receivers`,
    `${templates.length} templates`,
  ];
  out(`  SUCCESS\nFound:\n${found.map((line) => ` - ${line}\n`).join("")}`);
  const problem = templates.length === 0 ? undefined : templateProblem(templates);
  if (templates.length > 0) out(problem === undefined ? "  SUCCESS\n" : `  FAILED: ${problem}\n`);
  out("\n");
  return problem === undefined ? 0 : 1;
}

function templateProblem(patterns: readonly string[]): string | undefined {
  try {
    new TemplateSet(templateFiles(patterns));
    return undefined;
  } catch (error) {
    const { cause, message } = error as Error;
    return cause instanceof Error ? cause.message : message;
  }
}
