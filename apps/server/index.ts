export { type MainOptions, main } from "./main.ts";
export { runTool, type ToolEnvironment } from "./tool/tool.ts";
