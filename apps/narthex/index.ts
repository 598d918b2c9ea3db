export { defaultConfig } from "./default-config.ts";
export { type LaunchEnvironment, launch, processEnvironment } from "./launch.ts";
