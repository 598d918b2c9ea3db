export { ConfigError, type ConfigErrorCode, type ConfigProblem, placeText } from "./error.ts";
export { GlobError, glob, matchesPattern } from "./glob.ts";
export { type LoadOptions, loadConfig, loadConfigFile } from "./load.ts";
export type { ConfigDefaults } from "./schema/scrape.ts";
export { targetGroup } from "./schema/target-group.ts";
export { toYaml } from "./to-yaml.ts";
export type * from "./types.ts";
