export { defaultConfig } from "./default-config.ts";
export { type LaunchEnvironment, launch } from "./launch.ts";
