// Commands with what they run, and short ways to declare their flags.
import { booleanFlag, type FlagTraits, type FlagType, textFlag } from "@narthex/toolkit";
import type { Command, CommandFlag } from "./command-line.ts";
import type { RunCommand } from "./tool-context.ts";

export interface RunnableCommand extends Command {
  readonly commands?: readonly RunnableCommand[];
  /** It and all below it ask an Alertmanager. */
  readonly needsUrl?: boolean;
  readonly run?: RunCommand;
}

type Traits = FlagTraits & { readonly short?: string; readonly required?: boolean };

/** `generator-url` is kept under `generatorUrl`. */
export function option<T>(name: string, type: FlagType<T>, help: string, traits: Traits = {}): CommandFlag {
  const property = name.replace(/[-.](.)/g, (_, letter: string) => letter.toUpperCase());
  return { name, property, type, help, ...traits };
}

export function textOption(name: string, help: string, traits: Traits = {}): CommandFlag {
  return option(name, textFlag, help, traits);
}

export function booleanSwitch(name: string, help: string, traits: Traits = {}): CommandFlag {
  return option(name, booleanFlag, help, traits);
}
