// The configuration as `/api/v1/status/config` shows it: everything in force, secrets masked.
import { emitYaml } from "@narthex/toolkit";
import { configFile } from "./schema/config.ts";
import type { Config } from "./types.ts";

/**
 * Writes the main file's content with all defaults filled in, keys in a fixed order. Jobs of other files are not in it.
 * Secrets read `<secret>`, passwords in URLs `xxxxx`.
 */
export function toYaml(config: Config): string {
  return emitYaml(configFile.encode(config as never));
}
