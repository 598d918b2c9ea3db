// What every command is given: where to print, what the line says, how to reach the Alertmanager.
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { ApiClient } from "./api-client.ts";
import type { CommandValues } from "./command-line.ts";
import type { ServiceAddress } from "./flag-types.ts";
import { Formatter, type OutputForm } from "./output/format.ts";

/** Where the tool reads and prints; tests put in their own. */
export interface ToolEnvironment {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** The whole of the standard input. */
  readonly stdin: () => string;
  /** Somebody types there, or nothing is there. */
  readonly hasNoInput: () => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Files with defaults, the first one first. */
  readonly defaultsFiles: readonly string[];
  /** Who calls; "" when that is not known. */
  readonly user: string;
}

export interface ToolContext extends ToolEnvironment {
  readonly values: CommandValues;
  readonly grammar: MatcherGrammar;
  readonly signal: AbortSignal;
}

/** Resolves to the exit code. Throws a `ToolError`. */
export type RunCommand = (context: ToolContext) => number | Promise<number>;

export function withClient<T>(context: ToolContext, use: (client: ApiClient) => Promise<T>): Promise<T> {
  const { values, signal, err } = context;
  return ApiClient.with(
    {
      address: values["alertmanagerUrl"] as ServiceAddress,
      httpConfigFile: (values["httpConfigFile"] as string | undefined) ?? "",
      checksVersion: values["versionCheck"] === true,
      signal,
      err,
    },
    use,
  );
}

export function formatterOf({ values }: ToolContext): Formatter {
  return new Formatter(values["output"] as OutputForm, values["dateFormat"] as string);
}

export function textOf(values: CommandValues, property: string): string {
  return (values[property] as string | undefined) ?? "";
}

export function textsOf(values: CommandValues, property: string): readonly string[] {
  return (values[property] as readonly string[] | undefined) ?? [];
}
